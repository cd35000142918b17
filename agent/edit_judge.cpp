#include "agent/edit_judge.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "agent/line_diff.h"

namespace strop::agent {
namespace {

constexpr double kFormattingMs = 5'000;  // an editor applies the answer by then
constexpr std::size_t kMaxPast = 64;
constexpr std::size_t kMaxPastBytes = 64u << 10;
constexpr std::size_t kMinPaste = 8;
constexpr std::size_t kMaxSearched = 8u << 20;
// So many lines out and in at once are no person's editing.
constexpr std::ptrdiff_t kSwitchLines = 20;
constexpr std::size_t kSwitchPlaces = 6;
constexpr std::size_t kMaxLump = 8;

std::ptrdiff_t breaks(std::string_view text) { return std::count(text.begin(), text.end(), '\n'); }

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool is_branch_switch(const std::vector<Edit>& edits) {
  std::ptrdiff_t out = 0;
  std::ptrdiff_t in = 0;
  std::size_t places = 0;
  for (const Edit& edit : edits) {
    const std::ptrdiff_t removed = breaks(edit.old_text);
    const std::ptrdiff_t added = breaks(edit.new_text);
    out += removed;
    in += added;
    places += removed + added > 0 ? 1 : 0;
  }
  if (out >= kSwitchLines && in >= kSwitchLines) return true;
  return places >= kSwitchPlaces && out + in >= 2 * kSwitchLines;
}

}  // namespace

void EditJudge::expect_formatting(std::string_view expected, double t_ms) {
  expected_ =
      Expected{expected.size(), std::hash<std::string_view>{}(expected), t_ms + kFormattingMs};
}

bool EditJudge::is_formatting(const Notification& notification, const std::vector<Edit>& edits) {
  if (edits.empty()) return false;
  const bool blanks_alone = std::all_of(edits.begin(), edits.end(), [](const Edit& edit) {
    return without_blanks(edit.old_text).empty() && without_blanks(edit.new_text).empty();
  });
  if (expected_ && notification.t_ms > expected_->until_ms) expected_.reset();
  if (expected_) {
    const bool as_expected =
        notification.text_after.size() == expected_->size &&
        std::hash<std::string_view>{}(notification.text_after) == expected_->hash;
    if (as_expected) expected_.reset();
    if (as_expected || (blanks_alone && edits.size() > 1)) return true;
  }
  // Several places, or text rewritten with the same words: not a press of Enter.
  return blanks_alone && edits.size() >= 3;
}

bool EditJudge::takes_back(const Edit& edit) const {
  if (edit.old_text.size() < 2 && edit.new_text.size() < 2) return false;
  return std::any_of(past_.begin(), past_.end(), [&](const Past& past) {
    return past.start == edit.start && past.old_text == edit.new_text &&
           past.new_text == edit.old_text;
  });
}

bool EditJudge::is_paste(const Edit& edit, std::string_view text_after) const {
  const std::string_view pasted = without_blanks(edit.new_text);
  if (pasted.size() < kMinPaste) return false;
  const bool cut = std::any_of(past_.begin(), past_.end(), [&](const Past& past) {
    return past.old_text.find(pasted) != std::string::npos;
  });
  if (cut) return true;
  if (text_after.size() > kMaxSearched) return false;
  const std::size_t before = text_after.substr(0, edit.start).find(pasted);
  if (before != std::string_view::npos) return true;
  const std::size_t end = std::min(inserted_end(edit), text_after.size());
  return text_after.substr(end).find(pasted) != std::string_view::npos;
}

void EditJudge::remember(const Edit& edit) {
  for (Past& past : past_) past.start = rebased(past.start, edit, /*stays=*/true);
  if (edit.old_text.size() < 2 && edit.new_text.size() < 2) return;
  if (edit.old_text.size() + edit.new_text.size() > kMaxPastBytes) return;
  past_.push_back({edit.start, edit.old_text, edit.new_text});
  if (past_.size() > kMaxPast) past_.pop_front();
}

std::vector<NaturalEdit> EditJudge::judge(const Notification& notification, bool ours) {
  std::vector<Edit> edits;
  std::vector<bool> by_hand;  // may be key presses
  for (const Edit& told : notification.edits) {
    const std::vector<Edit> stretches = line_edits(told);
    // One stretch of several lines, of which some differ, comes of no key press.
    const bool one_key = stretches.size() == 1 && !notification.too_many_keys();
    for (const Edit& stretch : stretches)
      for (Edit& edit : essentials(stretch)) {
        by_hand.push_back(one_key && notification.typed(edit.new_text));
        edits.push_back(std::move(edit));
      }
  }
  std::optional<Nature> all;
  if (ours)
    all = Nature::kOurs;
  else if (is_formatting(notification, edits))
    all = Nature::kFormatter;
  else if (is_branch_switch(edits) || is_branch_switch(notification.edits))
    all = Nature::kBranchSwitch;
  std::vector<NaturalEdit> out;
  out.reserve(edits.size());
  for (std::size_t i = 0; i < edits.size(); ++i) {
    Edit& edit = edits[i];
    Nature nature = Nature::kTyped;
    if (all)
      nature = *all;
    else if (takes_back(edit))
      nature = Nature::kUndo;
    else if (!by_hand[i])
      nature = is_paste(edit, notification.text_after) ? Nature::kPaste : Nature::kForeign;
    remember(edit);
    out.push_back({std::move(edit), nature});
  }
  return out;
}

// Characters one behind the other, few enough for fingers.
void TypingHabit::learn_bundle(const std::vector<NaturalEdit>& edits) {
  if (edits.size() > kMaxLump) return;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const auto& [edit, nature] = edits[i];
    if (nature == Nature::kOurs || !edit.old_text.empty() || edit.new_text.size() > 2) return;
    if (i > 0 && edit.start != inserted_end(edits[i - 1].edit)) return;
  }
  ++bundles_;
}

void TypingHabit::learn(const std::vector<NaturalEdit>& edits) {
  if (edits.size() > 1) learn_bundle(edits);
  if (edits.size() != 1) return;
  const auto& [edit, nature] = edits.front();
  if (!edit.old_text.empty() || edit.new_text.empty()) return;
  if (nature == Nature::kTyped && edit.new_text.size() <= 2)
    ++singles_;
  else if ((nature == Nature::kForeign || nature == Nature::kTyped) &&
           edit.new_text.size() <= kMaxLump && edit.new_text.find('\n') == std::string::npos &&
           opening_of_pair(edit.new_text) == 0 &&
           edit.new_text.find_first_not_of(" \t") != std::string::npos)
    ++lumps_;
  if (singles_ + lumps_ + bundles_ >= 200) {  // habits of long ago weigh less
    singles_ /= 2;
    lumps_ /= 2;
    bundles_ /= 2;
  }
}

}  // namespace strop::agent
