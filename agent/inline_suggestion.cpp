#include "agent/inline_suggestion.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace strop::agent {
namespace {

using schema::Evidence;

// What is typed behind a hidden suggestion is followed this far.
constexpr std::size_t kMaxRegion = 64u << 10;
constexpr double kNever = std::numeric_limits<double>::infinity();

std::string_view between(std::string_view text, std::size_t begin, std::size_t end) {
  begin = std::min(begin, text.size());
  return text.substr(begin, std::max(begin, end) - begin);
}

}  // namespace

// What one notification has done so far.
struct InlineSuggestion::Step {
  std::string before;  // the text up to the cursor when it began
  std::string region;  // all of it then
  bool shown = false;  // visible when it began
  bool stale = false;  // another answer took its place, and the text went on since
  bool typed_at_cursor = false;
  bool inserted = false;
  bool at_once = false;  // something larger than a key press
  bool moved = false;
  bool lost = false;
  std::size_t lowest = 0;  // how far back the cursor went
  std::optional<Match> match;
  std::size_t insertions = 0;
};

InlineSuggestion::InlineSuggestion(std::string id, const std::vector<InlineItem>& items,
                                   std::string_view text, std::size_t cursor, double t_ms)
    : id_(std::move(id)), last_ms_(t_ms) {
  std::size_t begin = cursor;
  std::size_t end = cursor;
  for (const InlineItem& item : items) {
    begin = std::min(begin, item.begin);
    end = std::max(end, item.end);
  }
  region_ = LiveRegion(begin, std::string(between(text, begin, end)), cursor - begin);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const InlineItem& item = items[i];
    candidates_.push_back(candidate_of(item));
    const std::string_view replaced = between(text, item.begin, std::max(item.end, cursor));
    if (!displayed_ && item.text.starts_with(replaced) && item.text.size() > replaced.size()) {
      displayed_ = i;
      offered_lead_ = item.begin - begin;
    }
  }
  if (!displayed_) {
    offered_lead_ = items.front().begin - begin;
    hidden_ = Hidden::kUndisplayable;
    hidden_ms_ = kNever;
    hidden_text_ = region_.text();
    hidden_cursor_ = region_.cursor();
  }
}

InlineSuggestion::Candidate InlineSuggestion::candidate_of(const InlineItem& item) const {
  const std::string& region = region_.text();
  if (item.begin < region_.begin()) {
    // Its range reaches further back than the first offer's; what it has in addition must be there.
    const std::size_t extra = region_.begin() - item.begin;
    return {item.text, extra <= item.text.size() ? item.text.substr(extra) : "", ""};
  }
  const std::size_t lead = std::min(item.begin - region_.begin(), region.size());
  const std::size_t tail = std::clamp(item.end, region_.begin(), region_.end()) - region_.begin();
  return {item.text, region.substr(0, lead) + item.text,
          region.substr(std::max(tail, region_.cursor()))};
}

void InlineSuggestion::outrun(double t_ms) { hide(Hidden::kOutrun, t_ms); }

void InlineSuggestion::show(double t_ms) {
  display_.show(t_ms);
  shown_once_ = true;
  hidden_ = Hidden::kNot;
  last_ms_ = t_ms;
  watch.reset();
}

bool InlineSuggestion::agrees() const {
  return displayed_ && candidates_[*displayed_].full.starts_with(region_.before_cursor());
}

// What the displayed candidate would add at the cursor.
std::string_view InlineSuggestion::remainder() const {
  return std::string_view(candidates_[*displayed_].full).substr(region_.cursor());
}

bool InlineSuggestion::continued_by(const std::vector<InlineItem>& items, std::string_view text,
                                    std::size_t cursor) const {
  if (phase_ != Phase::kOpen || lost_ || cursor != region_.document_cursor()) return false;
  const bool as_left = region_.text() == hidden_text_ && region_.cursor() == hidden_cursor_;
  const InlineItem& first = items.front();
  if (hidden_ == Hidden::kUndisplayable) {
    const Candidate& mine = candidates_.front();
    return as_left && hidden_ms_ == kNever && first.text == mine.text &&
           first.begin == region_.begin() + offered_lead_;
  }
  if (hidden_ == Hidden::kDismissed || !agrees()) return false;
  if (hidden_ != Hidden::kNot && hidden_ != Hidden::kOutrun && !as_left) return false;
  for (const InlineItem& item : items) {
    const std::string_view typed = between(text, item.begin, cursor);
    if (!std::string_view(item.text).starts_with(typed)) continue;
    return std::string_view(item.text).substr(typed.size()) == remainder();
  }
  return false;
}

std::vector<NamedItem> InlineSuggestion::named_items() const {
  std::vector<NamedItem> named;
  for (const Candidate& candidate : candidates_)
    named.push_back({named.size(), static_cast<std::ptrdiff_t>(candidate.full.size()) -
                                       static_cast<std::ptrdiff_t>(candidate.text.size())});
  return named;
}

std::vector<NamedItem> InlineSuggestion::take_reoffer(const std::vector<InlineItem>& items,
                                                      double t_ms, bool outrun) {
  last_ms_ = t_ms;
  std::vector<NamedItem> named;
  for (const InlineItem& item : items) {
    Candidate candidate = candidate_of(item);
    const auto known =
        std::find_if(candidates_.begin(), candidates_.end(),
                     [&](const Candidate& mine) { return mine.full == candidate.full; });
    named.push_back({static_cast<std::size_t>(known - candidates_.begin()),
                     static_cast<std::ptrdiff_t>(candidate.full.size()) -
                         static_cast<std::ptrdiff_t>(item.text.size())});
    if (known == candidates_.end()) {
      candidate.text = candidate.full.substr(std::min(offered_lead_, candidate.full.size()));
      candidates_.push_back(std::move(candidate));
    }
  }
  if (!outrun && displayed_) show(t_ms);
  return named;
}

void InlineSuggestion::hide(Hidden why, double t_ms) {
  display_.hide(t_ms);
  if (hidden_ != Hidden::kNot && hidden_ != Hidden::kOutrun && hidden_ != Hidden::kUndisplayable)
    return;  // the first reason counts
  if (hidden_ == Hidden::kUndisplayable) {
    if (hidden_ms_ == kNever) hidden_ms_ = t_ms;
    return;
  }
  hidden_ = why;
  hidden_ms_ = t_ms;
  hidden_text_ = region_.text();
  hidden_cursor_ = region_.cursor();
}

void InlineSuggestion::match(Match found) {
  display_.hide(found.t_ms);
  phase_ = Phase::kMatched;
  match_ = std::move(found);
  watch.reset();
}

std::optional<std::size_t> InlineSuggestion::complete() const {
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const Candidate& candidate = candidates_[i];
    if (candidate.full.empty()) continue;
    if (region_.before_cursor() == candidate.full) return i;
    const std::string& region = region_.text();
    if (region.size() == candidate.full.size() + candidate.tail.size() &&
        region.starts_with(candidate.full) && region.ends_with(candidate.tail))
      return i;
  }
  return std::nullopt;
}

// After "(" the editor may have put ")" as well; the cursor is between them.
void InlineSuggestion::place_cursor_in_pair(const Edit& core) {
  const std::size_t opening = opening_of_pair(core.new_text);
  if (opening == 0 || !core.old_text.empty() || agrees()) return;
  const std::size_t behind = region_.cursor();
  region_.set_cursor(behind - (core.new_text.size() - opening));
  if (!agrees()) region_.set_cursor(behind);
}

void InlineSuggestion::step(const Edit& edit, const Notification& notification, Step& step) {
  const bool agreed = agrees();
  const LiveRegion::Where where = region_.apply(edit);
  const Edit core = trimmed(edit);
  if (core.old_text.empty() && core.new_text.empty() && edit.old_text == edit.new_text) return;
  if (step.match) step.match->range = rebased(step.match->range, edit, false);
  switch (where) {
    case LiveRegion::Where::kBefore:
    case LiveRegion::Where::kBehind:
      step.moved = true;
      return;
    case LiveRegion::Where::kAcross:
      step.lost = true;
      return;
    case LiveRegion::Where::kAside:
      break;
    case LiveRegion::Where::kAtCursor:
      step.typed_at_cursor = true;
      if (agreed) place_cursor_in_pair(core);
      break;
  }
  if (where == LiveRegion::Where::kAside) step.moved = true;
  step.lowest = std::min(step.lowest, region_.cursor());
  if (edit.new_text.empty()) return;
  step.inserted = true;
  ++step.insertions;
  const bool typed = notification.typed(core.new_text);
  step.at_once = step.at_once || !typed || notification.too_many_keys();
  const auto found = complete();
  if (!found || step.stale) return;
  // Taken out and put back within one notification: not the work of fingers.
  const bool rewritten =
      step.lowest + 1 < step.before.size() && region_.text().starts_with(step.before);
  const bool by_keys = !step.at_once && !rewritten;
  if (by_keys && (!step.shown || found != displayed_)) {
    maybe_accepted_ = maybe_accepted_ || opening_of_pair(core.new_text) > 0 || step.insertions > 1;
    return;
  }
  Match match;
  match.candidate = *found;
  match.typed = by_keys;
  // A pair's key, or a few characters told at once: an accept looks the same.
  match.ambiguous =
      by_keys && (step.insertions > 1 || (opening_of_pair(core.new_text) > 0 &&
                                          region_.before_cursor() == candidates_[*found].full));
  const std::size_t lead = std::min(offered_lead_, region_.text().size());
  match.range = range_of(candidates_[*found]);
  match.before = step.before.substr(std::min(lead, step.before.size()));
  match.t_ms = notification.t_ms;
  step.match = std::move(match);
}

TrackedRange InlineSuggestion::range_of(const Candidate& candidate) const {
  const std::size_t lead = std::min(offered_lead_, region_.text().size());
  return {region_.begin() + lead, region_.begin() + candidate.full.size()};
}

// After its match: where its text goes, and whether the editor writes it once more.
Claim InlineSuggestion::follow(const Notification& notification) {
  for (const Edit& edit : notification.edits) {
    region_.apply(edit);
    if (match_) match_->range = rebased(match_->range, edit, false);
  }
  region_.limit(kMaxRegion);
  const bool rewriting =
      phase_ == Phase::kMatched && notification.t_ms <= match_->t_ms + kCommandMs;
  if (!rewriting || complete() != match_->candidate) return Claim::kNone;
  const TrackedRange range = range_of(candidates_[match_->candidate]);
  if (match_->range == range) return Claim::kNone;
  match_->range = range;
  watch.reset();
  return Claim::kAgain;
}

Claim InlineSuggestion::take(const Notification& notification) {
  if (phase_ != Phase::kOpen) return follow(notification);
  const double t_ms = notification.t_ms;
  last_ms_ = t_ms;
  Step now;
  now.before = std::string(region_.before_cursor());
  now.region = region_.text();
  now.shown = visible();
  now.stale = hidden_ == Hidden::kSuperseded &&
              (region_.text() != hidden_text_ || region_.cursor() != hidden_cursor_);
  now.lowest = region_.cursor();
  for (const Edit& edit : notification.edits) {
    // Clients that compare texts tell an insertion at any of the places that lead to the same.
    const bool alone = notification.edits.size() == 1;
    step(alone ? moved_to(edit, region_.document_cursor(), notification.text_after) : edit,
         notification, now);
  }
  region_.limit(kMaxRegion);
  if (now.match) {
    const bool typed = now.match->typed;
    match(std::move(*now.match));
    return typed ? Claim::kNone : Claim::kAccepted;
  }
  if (now.lost) {
    lost_ = true;
    hide(Hidden::kMoved, t_ms);
    return Claim::kNone;
  }
  if (!now.typed_at_cursor) {
    if (now.moved) hide(Hidden::kMoved, t_ms);
    return Claim::kNone;
  }
  if (!agrees()) {
    const bool was_shown = visible();
    if (now.inserted) hide(now.at_once ? Hidden::kReplaced : Hidden::kTypedOver, t_ms);
    if (was_shown) {  // it comes back when what disagreed is taken back
      hidden_cursor_ = now.before.size();
      hidden_text_ = std::move(now.region);
    }
    return Claim::kNone;
  }
  if (!now.shown || !now.at_once || region_.cursor() <= now.before.size()) return Claim::kNone;
  const std::string_view added = region_.before_cursor().substr(now.before.size());
  if (notification.chosen_in_popup || !region_.before_cursor().starts_with(now.before) ||
      notification.typed(added))
    return Claim::kNone;
  partial_ = std::max(partial_, region_.cursor());
  partial_candidate_ = *displayed_;
  return Claim::kPartial;
}

std::optional<std::size_t> InlineSuggestion::candidate_of_text(std::string_view text) const {
  for (std::size_t i = 0; i < candidates_.size(); ++i)
    if (candidates_[i].text == text) return i;
  return std::nullopt;
}

std::vector<std::string> InlineSuggestion::texts() const {
  std::vector<std::string> out;
  for (const Candidate& candidate : candidates_) out.push_back(candidate.text);
  return out;
}

void InlineSuggestion::yield_match() {
  if (!match_ || hidden_ == Hidden::kNot) return;
  match_.reset();
  phase_ = Phase::kOpen;
}

bool InlineSuggestion::cursor_at(std::size_t document_offset) {
  if (document_offset == region_.document_cursor()) return true;
  if (document_offset < region_.begin() || document_offset > region_.end()) return false;
  // Closing brackets that the editor put behind the cursor by itself are all that may follow.
  const std::size_t cursor = document_offset - region_.begin();
  const std::string_view behind = std::string_view(region_.text()).substr(cursor);
  if (behind.find_first_not_of(")]}>\"'`") != std::string_view::npos) return false;
  const std::size_t before = region_.cursor();
  region_.set_cursor(cursor);
  if (agrees()) return true;
  region_.set_cursor(before);
  return false;
}

void InlineSuggestion::replaced(double t_ms) {
  if (phase_ == Phase::kOpen) hide(Hidden::kSuperseded, t_ms);
}

void InlineSuggestion::moved_away(double t_ms) {
  if (phase_ == Phase::kOpen) hide(Hidden::kMoved, t_ms);
}

void InlineSuggestion::sibling_accepted(double t_ms) {
  if (phase_ == Phase::kOpen) hide(Hidden::kSibling, t_ms);
}

void InlineSuggestion::told_accepted(std::size_t candidate, Evidence evidence, double t_ms) {
  told_ = std::min(candidate, candidates_.size() - 1);
  told_evidence_ = evidence;
  told_ms_ = t_ms;
  if (phase_ != Phase::kOpen) return;
  if (const auto found = complete(); found == told_) {
    Match now;
    now.candidate = *told_;
    now.range = range_of(candidates_[*told_]);
    now.t_ms = t_ms;
    match(std::move(now));
  }
}

void InlineSuggestion::told_partial(NamedItem item, std::size_t utf16_units, std::string_view text,
                                    double t_ms) {
  if (phase_ != Phase::kOpen) return;
  last_ms_ = t_ms;
  partial_candidate_ = std::min(item.candidate, candidates_.size() - 1);
  const std::string_view full = candidates_[partial_candidate_].full;
  // What the document has counts, line ends included; the item's own word where it begins before.
  const std::string_view own =
      item.begin >= 0 ? full.substr(std::min(static_cast<std::size_t>(item.begin), full.size()))
                      : text;
  const std::ptrdiff_t end =
      item.begin + static_cast<std::ptrdiff_t>(bytes_of_utf16(own, utf16_units));
  partial_ = std::max(partial_, static_cast<std::size_t>(std::max<std::ptrdiff_t>(end, 0)));
  partial_evidence_ = Evidence::kEditor;
}

void InlineSuggestion::told_dismissed(double t_ms) {
  if (phase_ != Phase::kOpen) return;
  display_.hide(t_ms);
  hidden_ = Hidden::kDismissed;
  hidden_ms_ = t_ms - kReshowMs;
  shown_once_ = true;
}

double InlineSuggestion::deadline() const {
  if (phase_ == Phase::kDone) return kNever;
  if (phase_ == Phase::kMatched) return told_ ? match_->t_ms : match_->t_ms + kCommandMs;
  if (told_) return told_ms_ + kCommandMs;
  if (hidden_ != Hidden::kNot) return std::min(hidden_ms_ + kReshowMs, last_ms_ + kOpenMs);
  return last_ms_ + kOpenMs;
}

bool InlineSuggestion::watch_wanted() const {
  return phase_ == Phase::kMatched || (phase_ == Phase::kOpen && hidden_ != Hidden::kNot);
}

}  // namespace strop::agent
