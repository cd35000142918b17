#include "agent/settling.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/token_edit.h"

namespace strop::agent {
namespace {

constexpr std::array<double, 5> kCheckMs{15'000, 30'000, 120'000, 300'000, 600'000};
constexpr std::size_t kFinalCheck = 3;  // final is that of 5 minutes
constexpr double kQuietMs = 10'000;
constexpr std::size_t kMaxSavesTold = 20;
constexpr std::size_t kMaxText = 64u << 10;

bool blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// At most so many bytes, and no part of a character.
std::string_view beginning(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  return text.substr(0, size);
}

bool touches(const TrackedRange& range, const Edit& edit) {
  return edit.start <= range.end && removed_end(edit) >= range.begin;
}

}  // namespace

Settling::Settling(Start start)
    : start_(std::move(start)), range_(start_.range), grows_(!start_.accepted) {
  last_edit_ms_ = start_.t_ms;
  if (start_.accepted) kept_ = Remains(range_);
}

void Settling::take(const std::vector<NaturalEdit>& edits, std::string_view text_after,
                    double t_ms) {
  bool cut_at_once = false;
  bool touched = false;
  for (const auto& [edit, nature] : edits) {
    const bool near = touches(range_, edit);
    const TrackedRange before = range_;
    if (near) {
      touched = true;
      last_edit_ms_ = t_ms;
      undone_ =
          undone_ || (nature == Nature::kUndo && kept_.meets({edit.start, removed_end(edit)}));
      cut_at_once = cut_at_once || (edit.old_text.size() > 1 && edit.start >= before.begin &&
                                    removed_end(edit) <= before.end);
      swallowed_ = swallowed_ || (edit.start < before.begin && removed_end(edit) >= before.end &&
                                  before.begin < before.end);
    }
    reformatted_ = reformatted_ ||
                   (nature == Nature::kFormatter && kept_.meets({edit.start, removed_end(edit)}));
    switched_ = switched_ || nature == Nature::kBranchSwitch;
    range_ = rebased(range_, edit, grows_);
    // Whoever takes the end away writes another end: it belongs to the text.
    if (near && start_.accepted && !edit.old_text.empty() && edit.start < before.end &&
        removed_end(edit) >= before.end && nature != Nature::kFormatter)
      grows_ = true;
    const bool was_there = !kept_.parts().empty();
    kept_.apply(edit);
    const bool of_others = nature == Nature::kForeign || nature == Nature::kFormatter ||
                           nature == Nature::kBranchSwitch;
    if (was_there && kept_.parts().empty() && of_others) taken_by_others_ = true;
    foreign_.apply(edit);
    pasted_.apply(edit);
    restored_.apply(edit);
    formatted_.apply(edit);
    // What it took out was between the characters on either side.
    if (nature == Nature::kFormatter && near)
      formatted_.add(
          edit.new_text.empty()
              ? TrackedRange{edit.start - std::min<std::size_t>(edit.start, 1), edit.start + 1}
              : TrackedRange{edit.start, inserted_end(edit)});
    const bool strange = nature == Nature::kForeign || nature == Nature::kPaste;
    if (nature == Nature::kUndo && near) restored_.add({edit.start, inserted_end(edit)});
    if (strange && near && !blank(edit.new_text)) {
      foreign_.add({edit.start, inserted_end(edit)});
      if (nature == Nature::kPaste) pasted_.add({edit.start, inserted_end(edit)});
    }
  }
  if (touched && cut_at_once && start_.accepted && !undone_ && range_.end <= text_after.size() &&
      text_after.substr(range_.begin, range_.end - range_.begin) == start_.text_before &&
      start_.text_before != start_.text)
    undone_ = true;
}

void Settling::begun_by(const std::vector<NaturalEdit>& edits) {
  for (const auto& [edit, nature] : edits) {
    foreign_.apply(edit);
    pasted_.apply(edit);
    if ((nature != Nature::kForeign && nature != Nature::kPaste) || blank(edit.new_text)) continue;
    foreign_.add({edit.start, inserted_end(edit)});
    if (nature == Nature::kPaste) pasted_.add({edit.start, inserted_end(edit)});
  }
}

bool Settling::quiet(double t_ms) const { return t_ms >= last_edit_ms_ + kQuietMs; }

std::optional<double> Settling::deadline() const {
  if (finished()) return std::nullopt;
  std::optional<double> due;
  if (checks_done_ < kChecks) due = start_.t_ms + kCheckMs[checks_done_];
  if (!final_ && checks_done_ > kFinalCheck) {
    const double settled = std::max(start_.t_ms + kCheckMs[kFinalCheck], last_edit_ms_ + kQuietMs);
    due = due ? std::min(*due, settled) : settled;
  }
  return due;
}

std::string_view Settling::current(std::string_view text) const {
  const std::size_t begin = std::min(range_.begin, text.size());
  const std::size_t end = std::min(std::max(range_.end, begin), text.size());
  std::string_view now = text.substr(begin, end - begin);
  if (grows_) now = now.substr(0, comparable_length(start_.text, now));
  return beginning(now, kMaxText);
}

schema::Settled Settling::state(std::string_view text, double t_ms, bool final) {
  schema::Settled out;
  out.after_ms = t_ms - start_.t_ms;
  out.final = final;
  const std::string_view now = current(text);
  out.text = std::string(now);
  for (const TrackedRange& part : kept_.parts()) {
    if (part.end <= text.size())
      out.kept_chars +=
          static_cast<std::int64_t>(utf16_length(text.substr(part.begin, part.end - part.begin)));
  }
  out.token_edits = static_cast<std::int64_t>(token_edits(start_.text, now));
  const TrackedRange told{range_.begin, range_.begin + now.size()};
  if (reformatted_ || formatted_.meets(told)) out.flags.emplace_back("formatter");
  if (undone_ || restored_.meets(told)) out.flags.emplace_back("undo");
  if (pasted_.meets(told)) out.flags.emplace_back("paste");
  if (switched_) out.flags.emplace_back("branch_switch");
  if (foreign_.meets(told)) out.flags.emplace_back("foreign");
  out.diagnostics_before = before_;
  final_ = final_ || final;
  last_told_ = out.text;
  return out;
}

std::optional<schema::Settled> Settling::check(std::string_view text, double t_ms) {
  const auto due = deadline();
  if (!due || t_ms < *due) return std::nullopt;
  bool told = false;
  // After a long silence (a laptop asleep) the checks passed by are one.
  while (checks_done_ < kChecks && t_ms >= start_.t_ms + kCheckMs[checks_done_]) {
    told = told || checks_done_ != kFinalCheck;
    ++checks_done_;
  }
  const bool final = !final_ && checks_done_ > kFinalCheck && quiet(t_ms);
  if (!final && !told) return std::nullopt;
  return state(text, t_ms, final);
}

std::optional<schema::Settled> Settling::saved(std::string_view text, double t_ms) {
  if (finished() || saves_told_ >= kMaxSavesTold || last_told_ == current(text))
    return std::nullopt;
  ++saves_told_;
  return state(text, t_ms, false);
}

std::optional<schema::Settled> Settling::closed(std::string_view text, double t_ms) {
  if (final_) return std::nullopt;
  return state(text, t_ms, true);
}

bool Settling::deleted(std::string_view text) const {
  if (!start_.accepted || undone_ || taken_by_others_) return false;
  const bool gone = range_.begin == range_.end || (kept_.parts().empty() && blank(current(text)));
  return gone && (swallowed_ || kept_.parts().empty()) && !blank(start_.text);
}

}  // namespace strop::agent
