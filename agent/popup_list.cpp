#include "agent/popup_list.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace strop::agent {
namespace {

using schema::Evidence;
using schema::How;
using schema::OutcomeKind;

constexpr double kBurstMs = 250;    // one accept may come as several notifications
constexpr double kKeyMs = 40;       // no one presses a key so soon after
constexpr double kWritingMs = 150;  // nor accepts something else
constexpr double kSealMs = 3'000;   // an item that is still there then, stays
constexpr double kGraceMs = 500;    // an accept may begin with an edit elsewhere
constexpr std::size_t kMaxRegion = 16u << 10;
constexpr std::size_t kManyKeys = 3;
constexpr double kNever = std::numeric_limits<double>::infinity();

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The characters of `typed` stand in `text` in their order: the loosest filter of any editor.
bool fits(std::string_view typed, std::string_view text) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size() && at < typed.size(); ++i)
    if (lower(text[i]) == lower(typed[at])) ++at;
  return at == typed.size();
}

std::string_view first_word(std::string_view text) {
  constexpr std::size_t kLongest = 128;
  return text.substr(0, std::min(text.find_first_of(" \t\r\n("), kLongest));
}

bool is_key(const Notification& notification) {
  return notification.edits.size() == 1 && notification.edits[0].old_text.empty() &&
         keystroke_sized(notification.edits[0].new_text);
}

}  // namespace

PopupList::PopupList(std::string id, std::vector<PopupItem> items, std::string_view text,
                     std::size_t cursor, double t_ms)
    : id_(std::move(id)), items_(std::move(items)), last_ms_(t_ms), last_edit_ms_(-kNever) {
  std::size_t begin = cursor;
  std::size_t end = cursor;
  for (const PopupItem& item : items_) {
    begin = std::min(begin, item.begin);
    end = std::max({end, item.insert_end, item.replace_end});
  }
  offered_begin_ = begin;
  region_ = LiveRegion(begin, std::string(text.substr(begin, end - begin)), cursor - begin);
  const std::string& region = region_.text();
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const PopupItem& item = items_[i];
    const std::string lead = region.substr(0, item.begin - begin);
    for (const std::size_t stop : {item.insert_end, item.replace_end}) {
      std::string done = lead + item.text + region.substr(std::max(stop, cursor) - begin);
      if (done != region) complete_.emplace(std::move(done), i);
    }
  }
  display_.show(t_ms);
}

std::optional<std::size_t> PopupList::complete() const {
  const auto found = complete_.find(region_.text());
  if (found == complete_.end()) return std::nullopt;
  return found->second;
}

// Text was taken out and put back in this burst: not the work of fingers.
bool PopupList::rewritten() const {
  return burst_lowest_ + 1 < burst_cursor_ &&
         region_.text().starts_with(std::string_view(burst_text_).substr(0, burst_cursor_));
}

// What is typed may still become one of the items; an editor hides a list of which none is left.
bool PopupList::still_fits() const {
  const std::string_view typed = region_.before_cursor();
  return typed.empty() || std::any_of(items_.begin(), items_.end(), [&](const PopupItem& item) {
           const std::size_t lead = std::min(item.begin - offered_begin_, typed.size());
           const std::string_view word = typed.substr(lead);
           return fits(word, item.filter) || fits(word, first_word(item.text));
         });
}

void PopupList::begin_burst() {
  burst_text_ = region_.text();
  burst_cursor_ = burst_lowest_ = region_.cursor();
  burst_at_once_ = false;
}

bool PopupList::writing(double t_ms) const {
  return written_ms_ && t_ms - *written_ms_ <= kWritingMs;
}

void PopupList::match(std::size_t index, double t_ms) {
  written_ms_ = t_ms;
  const PopupItem& item = items_[index];
  const std::size_t lead = item.begin - offered_begin_;
  Match now;
  now.item = index;
  now.range = {region_.begin() + lead, region_.begin() + lead + item.text.size()};
  now.region_before = match_ ? match_->region_before : burst_text_;
  now.before = now.region_before.substr(std::min(lead, now.region_before.size()));
  now.t_ms = t_ms;
  match_ = std::move(now);
  taken_back_ = false;
  display_.hide(t_ms);
  watch.reset();
}

// Nothing of its item was taken out since.
bool PopupList::stands(const Match& match) const {
  return match.range.end - match.range.begin == items_[match.item].text.size();
}

void PopupList::take_inside(const Edit& edit, const Notification& notification) {
  const double t_ms = notification.t_ms;
  burst_lowest_ = std::min(burst_lowest_, region_.cursor());
  const Edit core = trimmed(edit);
  if (core.new_text.empty() ? core.old_text.size() > 1 : !notification.typed(core.new_text))
    burst_at_once_ = true;
  const bool at_once = burst_at_once_ || rewritten();
  const bool late = closed_ms_ && t_ms - *closed_ms_ > kGraceMs;
  if (const auto found = complete(); found && at_once && !late && !edit.new_text.empty()) {
    match(*found, t_ms);
  } else if (match_ && at_once && region_.text() == match_->region_before) {
    match_.reset();
    watch.reset();
    taken_back_ = true;
    written_ms_ = t_ms;
    display_.show(t_ms);
  }
}

Claim PopupList::take(const Notification& notification) {
  const double t_ms = notification.t_ms;
  // While an item is written it may be taken out and put back; behind it a key is one.
  const bool key = match_ && is_key(notification);
  if (t_ms - last_edit_ms_ > (key ? kKeyMs : kBurstMs)) begin_burst();
  if (notification.too_many_keys()) burst_at_once_ = true;
  last_edit_ms_ = last_ms_ = t_ms;
  const bool matched_before = match_.has_value();
  const double matched_before_ms = matched_ms();
  bool inside = false;
  bool outside = false;
  bool went_on = false;
  std::size_t keys = 0;
  for (const Edit& told : notification.edits) {
    const bool alone = notification.edits.size() == 1;
    const Edit edit =
        alone ? moved_to(told, region_.document_cursor(), notification.text_after) : told;
    const bool typed = notification.typed(trimmed(edit).new_text);
    const bool goes_on = match_ && typed && edit.old_text.empty() && stands(*match_) &&
                         edit.start >= match_->range.end && edit.start <= region_.end();
    const LiveRegion::Where where = region_.apply(edit);
    if (match_) match_->range = rebased(match_->range, edit, false);
    if (where != LiveRegion::Where::kAtCursor && where != LiveRegion::Where::kAside) {
      outside = true;
      continue;
    }
    inside = true;
    keys += typed && !edit.new_text.empty() ? 1 : 0;
    // Within one notification the next key may make the text of a longer item.
    if (goes_on && matched_before) match_->sealed = true;
    if (match_ && match_->sealed) continue;
    went_on = goes_on;
    take_inside(edit, notification);
  }
  region_.limit(kMaxRegion);
  if (match_) {
    match_->sealed = match_->sealed || (went_on && region_.end() > match_->range.end);
    const bool new_match = !matched_before || match_->t_ms != matched_before_ms;
    return new_match ? Claim::kAccepted : Claim::kNone;
  }
  if (inside) {
    if (keys >= kManyKeys && complete()) ambiguous_ = true;
    if (!still_fits()) close(schema::How::kMovedAway, t_ms);
  } else if (outside) {
    close(schema::How::kMovedAway, t_ms);
  }
  return Claim::kNone;
}

void PopupList::close(How how, double t_ms) {
  if (closed_ms_ || match_) return;
  display_.hide(t_ms);
  closed_ms_ = t_ms;
  how_ = how;
}

void PopupList::replaced(double t_ms) {
  if (match_) match_->sealed = true;
  close(How::kSuperseded, t_ms);
}
void PopupList::moved_away(double t_ms) { close(How::kMovedAway, t_ms); }
void PopupList::sibling_accepted(double t_ms) {
  if (closed_ms_ == t_ms && !match_) how_ = How::kSibling;  // its text is what closed this one
  close(How::kSibling, t_ms);
}

void PopupList::lose_match(double t_ms) {
  match_.reset();
  watch.reset();
  close(How::kSibling, t_ms);
}

void PopupList::told_accepted(int rank, double t_ms) {
  told_ = true;
  if (match_) return;
  const auto item = std::find_if(items_.begin(), items_.end(),
                                 [rank](const PopupItem& mine) { return mine.rank == rank; });
  if (item == items_.end()) return;
  begin_burst();
  match(static_cast<std::size_t>(item - items_.begin()), t_ms);
  const std::size_t lead = item->begin - offered_begin_;
  match_->range = {std::min(region_.begin() + lead, region_.document_cursor()),
                   region_.document_cursor()};
}

void PopupList::told_dismissed(double t_ms) {
  if (match_) return;
  display_.hide(t_ms);
  dismissed_ = true;
  closed_ms_ = t_ms - kGraceMs;
}

bool PopupList::continued_by(const std::vector<PopupItem>& items, std::size_t cursor) const {
  if (match_ || closed_ms_ || cursor != region_.document_cursor()) return false;
  return std::equal(items.begin(), items.end(), items_.begin(), items_.end(),
                    [](const PopupItem& a, const PopupItem& b) { return a.text == b.text; });
}

double PopupList::deadline() const {
  if (match_) {
    if (told_) return match_->t_ms;
    return match_->t_ms + (match_->sealed ? kBurstMs : kSealMs);
  }
  if (closed_ms_) return *closed_ms_ + kGraceMs;
  return last_ms_ + kOpenMs;
}

Settling::Start PopupList::watch_start(double) const {
  return {match_->range, items_[match_->item].text, match_->before, true, match_->t_ms};
}

schema::Outcome PopupList::verdict(double t_ms, bool closed) const {
  schema::Outcome out;
  out.display_ms = display_.total(t_ms);
  out.evidence = Evidence::kState;
  if (match_) {
    const PopupItem& item = items_[match_->item];
    out.outcome = OutcomeKind::kAccepted;
    out.evidence = told_ ? Evidence::kEditor : Evidence::kState;
    out.confidence = told_ ? 0.97 : utf16_length(item.text) >= 3 ? 0.93 : 0.8;
    out.candidate = item.rank;
    out.text = item.text;
    out.accepted_chars = static_cast<std::int64_t>(utf16_length(item.text));
    return out;
  }
  if (dismissed_) {
    out.outcome = OutcomeKind::kDismissed;
    out.how = How::kExplicit;
    out.evidence = Evidence::kEditor;
    out.confidence = 0.97;
  } else if (taken_back_ || ambiguous_) {
    out.outcome = OutcomeKind::kUnknown;
  } else if (out.display_ms < kSeenMs) {
    out.outcome = OutcomeKind::kUnseen;
    out.evidence = Evidence::kTimeout;
    out.confidence = 0.8;
  } else {
    out.outcome = OutcomeKind::kIgnored;
    out.how = how_ != How::kNone ? how_ : closed ? How::kClosed : How::kMovedAway;
    if (how_ == How::kNone && !closed) out.evidence = Evidence::kTimeout;
    out.confidence = 0.7;
  }
  return out;
}

}  // namespace strop::agent
