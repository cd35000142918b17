// What an inline suggestion comes to in the end, and what is watched from then on.
#include <algorithm>
#include <utility>

#include "agent/inline_suggestion.h"

namespace strop::agent {
namespace {

using schema::Evidence;
using schema::How;
using schema::OutcomeKind;

// How sure an accept is that only the document's text tells: the longer, the less by chance.
double certainty_of(std::string_view text) {
  const std::size_t length = utf16_length(text);
  return length >= 4 ? 0.95 : length >= 2 ? 0.85 : 0.6;
}

}  // namespace

Settling::Start InlineSuggestion::watch_start(double t_ms) const {
  if (match_) {
    return {match_->range, candidates_[match_->candidate].text, match_->before, true, match_->t_ms};
  }
  const std::size_t lead = std::min(offered_lead_, region_.text().size());
  const std::size_t begin = region_.begin() + lead;
  const std::size_t end = std::max(begin, region_.document_cursor());
  if (told_) {
    // Told late, it may have been typed on behind it.
    const Candidate& candidate = candidates_[*told_];
    const bool there = region_.text().starts_with(candidate.full);
    return {there ? range_of(candidate) : TrackedRange{begin, end}, candidate.text, "", true,
            told_ms_};
  }
  if (partial_ > 0) {
    const std::size_t last = std::max(lead, std::min(partial_, region_.text().size()));
    return {{begin, region_.begin() + last}, accepted_part(), "", true, t_ms};
  }
  return {{begin, end}, candidates_[displayed_.value_or(0)].text, "", false, t_ms};
}

// What was accepted in pieces, from the item's beginning.
std::string InlineSuggestion::accepted_part() const {
  const Candidate& candidate = candidates_[partial_candidate_];
  const std::size_t lead =
      candidate.full.size() - std::min(candidate.full.size(), candidate.text.size());
  return candidate.full.substr(lead, partial_ - std::min(lead, partial_));
}

schema::Outcome InlineSuggestion::judge_match() const {
  schema::Outcome out;
  const Candidate& candidate = candidates_[told_ ? *told_ : match_->candidate];
  out.candidate = static_cast<int>(told_ ? *told_ : match_->candidate);
  out.text = candidate.text;
  out.accepted_chars = static_cast<std::int64_t>(utf16_length(candidate.text));
  out.display_ms = display_.total(match_ ? match_->t_ms : told_ms_);
  if (told_) {
    out.outcome = OutcomeKind::kAccepted;
    out.evidence = told_evidence_;
    // The editor says so; the text that did not come makes it a little less sure.
    out.confidence = match_ ? 0.99 : 0.9;
    return out;
  }
  out.evidence = Evidence::kState;
  if (!match_->typed) {
    out.outcome = OutcomeKind::kAccepted;
    out.confidence = certainty_of(candidate.text);
    return out;
  }
  out.confidence = 0.9;
  if (match_->ambiguous && partial_ == 0) {
    out.outcome = OutcomeKind::kUnknown;
    out.confidence = 0;
  } else if (partial_ > 0) {
    out.outcome = OutcomeKind::kPartial;
    out.evidence = partial_evidence_;
  } else if (out.display_ms < kSeenMs) {
    out.outcome = OutcomeKind::kUnseen;
    out.evidence = Evidence::kTimeout;
  } else {
    out.outcome = OutcomeKind::kTypedThrough;
  }
  if (out.outcome == OutcomeKind::kUnseen || out.outcome == OutcomeKind::kUnknown) {
    out.text.clear();
    out.accepted_chars = 0;
  }
  return out;
}

schema::Outcome InlineSuggestion::judge_partial(double t_ms) const {
  schema::Outcome out;
  out.outcome = OutcomeKind::kPartial;
  out.evidence = partial_evidence_;
  out.confidence = partial_evidence_ == Evidence::kEditor ? 0.97 : 0.9;
  out.candidate = static_cast<int>(partial_candidate_);
  out.text = accepted_part();
  out.accepted_chars = static_cast<std::int64_t>(utf16_length(out.text));
  out.display_ms = display_.total(t_ms);
  return out;
}

schema::Outcome InlineSuggestion::verdict(double t_ms, bool closed) const {
  if (told_ || (match_ && !contested_)) return judge_match();
  if (partial_ > 0) return judge_partial(t_ms);
  schema::Outcome out;
  out.candidate = static_cast<int>(displayed_.value_or(0));
  out.display_ms = display_.total(t_ms);
  out.evidence = Evidence::kState;
  if (hidden_ == Hidden::kDismissed) {
    out.outcome = OutcomeKind::kDismissed;
    out.how = How::kExplicit;
    out.evidence = Evidence::kEditor;
    out.confidence = 0.97;
    return out;
  }
  if (!shown_once_ || out.display_ms < kSeenMs) {
    out.outcome = OutcomeKind::kUnseen;
    out.confidence = 0.9;
    if (shown_once_) out.evidence = Evidence::kTimeout;
    return out;
  }
  out.outcome = OutcomeKind::kIgnored;
  out.confidence = 0.8;
  if (contested_) {
    out.how = How::kSibling;
    return out;
  }
  switch (hidden_) {
    case Hidden::kTypedOver: {
      // A slip of the finger, mended since, is no verdict on the suggestion.
      const std::string& offered = candidates_[*displayed_].full;
      const std::string& now = region_.text();
      if (!lost_ && now.starts_with(hidden_text_) &&
          (offered.starts_with(now) || now.starts_with(offered))) {
        out.how = How::kSuperseded;
        break;
      }
      out.outcome = maybe_accepted_ ? OutcomeKind::kUnknown : OutcomeKind::kDismissed;
      out.how = maybe_accepted_ ? How::kNone : How::kTypedOver;
      out.confidence = maybe_accepted_ ? 0 : 0.85;
      break;
    }
    case Hidden::kMoved:
      out.how = How::kMovedAway;
      break;
    case Hidden::kReplaced:
    case Hidden::kSuperseded:
      out.how = How::kSuperseded;
      break;
    case Hidden::kSibling:
      out.how = How::kSibling;
      break;
    default:
      out.how = closed ? How::kClosed : How::kMovedAway;
      if (!closed) out.evidence = Evidence::kTimeout;
      break;
  }
  return out;
}

}  // namespace strop::agent
