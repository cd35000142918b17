#include "agent/privacy/event_scrubber.h"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <unordered_set>

namespace strop::agent {
namespace {

// So much around the cursor decides over a secret that it cuts; a key in PEM form may begin further
// up.
constexpr std::size_t kNear = 1'024;
constexpr std::size_t kLongLine = 8'192;
constexpr std::size_t kMostRemembered = 1'024;
// Only what repeats itself could stand in more places, and that is no secret.
constexpr std::size_t kMostSpans = 8;
constexpr std::size_t kMostSecrets = 8'192;  // bytes of them in one offer
// So many bytes are seldom alike by chance.
constexpr std::size_t kPiece = 4;
constexpr std::string_view kKeyLine = "PRIVATE KEY";

// The hits in order and without overlaps.
void tidy(std::vector<schema::SecretHit>& hits) {
  std::sort(hits.begin(), hits.end(), [](const auto& a, const auto& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  std::vector<schema::SecretHit> apart;
  for (const schema::SecretHit& hit : hits)
    if (!apart.empty() && hit.begin < apart.back().end)
      apart.back().end = std::max(apart.back().end, hit.end);
    else
      apart.push_back(hit);
  hits = std::move(apart);
}

// From a line's beginning, and the whole of a line that is long.
std::string_view last_part(std::string_view text) {
  if (text.size() <= kNear || text.find(kKeyLine) != std::string_view::npos) return text;
  std::size_t line = text.find('\n', text.size() - kNear);
  if (line == std::string_view::npos) line = text.rfind('\n');
  if (line != std::string_view::npos) text.remove_prefix(line + 1);
  return text.substr(text.size() - std::min(text.size(), kLongLine));
}

std::string_view first_part(std::string_view text) {
  if (text.size() <= kNear || text.find(kKeyLine) != std::string_view::npos) return text;
  std::size_t line = text.rfind('\n', kNear);
  if (line == std::string_view::npos) line = text.find('\n');
  return text.substr(0, std::min(line, kLongLine));
}

void append(std::vector<schema::SecretHit>& all, const std::vector<schema::SecretHit>& more,
            std::size_t offset = 0) {
  for (const schema::SecretHit& hit : more)
    all.push_back({hit.rule, hit.begin + offset, hit.end + offset});
}

// What was found in a text, in what that text replaces: the head of a secret that was typed, or the
// tail that stood there, is as secret as the whole.
void append_counterparts(std::vector<schema::SecretHit>& all,
                         const std::vector<schema::SecretHit>& hits, std::string_view text,
                         std::string_view replaces) {
  const auto apart = std::mismatch(text.rbegin(), text.rend(), replaces.rbegin(), replaces.rend());
  const std::size_t tail = text.size() - static_cast<std::size_t>(apart.first - text.rbegin());
  for (const schema::SecretHit& hit : hits) {
    if (hit.begin < replaces.size())
      all.push_back({hit.rule, hit.begin, std::min(hit.end, replaces.size())});
    // Both end alike from `tail` on.
    const std::size_t begin = std::max(hit.begin, tail);
    if (begin < hit.end)
      all.push_back({hit.rule, begin + replaces.size() - text.size(),
                     hit.end + replaces.size() - text.size()});
  }
}

// What lies from `begin` to `end`, counted from there.
std::vector<schema::SecretHit> within(const std::vector<schema::SecretHit>& hits, std::size_t begin,
                                      std::size_t end) {
  std::vector<schema::SecretHit> out;
  for (const schema::SecretHit& hit : hits) {
    const std::size_t from = std::max(begin, hit.begin);
    const std::size_t to = std::min(end, hit.end);
    if (from < to) out.push_back({hit.rule, from - begin, to - begin});
  }
  return out;
}

using Halves = std::pair<std::vector<schema::SecretHit>, std::vector<schema::SecretHit>>;
Halves split_at(const std::vector<schema::SecretHit>& hits, std::size_t place) {
  Halves out;
  for (const schema::SecretHit& hit : hits) {
    if (hit.begin < place) out.first.push_back({hit.rule, hit.begin, std::min(hit.end, place)});
    if (hit.end > place)
      out.second.push_back({hit.rule, std::max(hit.begin, place) - place, hit.end - place});
  }
  return out;
}

// Where `text` has a piece of `secret`: less than all of it may be no secret by the rules.
void append_pieces(std::vector<schema::SecretHit>& all, std::string_view rule,
                   std::string_view secret, std::string_view text) {
  std::unordered_set<std::string_view> pieces;
  for (std::size_t at = 0; at + kPiece <= secret.size(); ++at)
    pieces.insert(secret.substr(at, kPiece));
  for (std::size_t at = 0; at + kPiece <= text.size(); ++at)
    if (pieces.contains(text.substr(at, kPiece))) all.push_back({rule, at, at + kPiece});
}

}  // namespace

bool EventScrubber::knows_place_of(const schema::Event& event) const {
  const bool of_text = std::holds_alternative<schema::Outcome>(event.body) ||
                       std::holds_alternative<schema::Settled>(event.body);
  return !of_text || around_.contains(event.suggestion);
}

schema::Event EventScrubber::scrubbed(schema::Event event) {
  if (auto* offered = std::get_if<schema::Offered>(&event.body)) {
    Around& around = remember(event.suggestion, around_of(*offered));
    scrub(*offered, around);
    std::size_t bytes = 0;
    for (const auto& [rule, secret] : around.secrets) bytes += secret.size();
    if (bytes > kMostSecrets) around_.erase(event.suggestion);
  } else if (auto* outcome = std::get_if<schema::Outcome>(&event.body)) {
    outcome->text = scrubbed_within(event.suggestion, outcome->text);
  } else if (auto* settled = std::get_if<schema::Settled>(&event.body)) {
    settled->text = scrubbed_within(event.suggestion, settled->text);
  } else if (auto* rated = std::get_if<schema::Rated>(&event.body)) {
    rated->reason = scrubbed(rated->reason);
  }
  return event;
}

std::pair<std::string, std::string> EventScrubber::scrubbed(std::string_view prefix,
                                                            std::string_view suffix) {
  const std::string_view before = last_part(prefix);
  std::vector<Hits> hits = find_in({before, first_part(suffix)});
  Hits of_prefix;
  append(of_prefix, hits[0], prefix.size() - before.size());
  return {without(prefix, std::move(of_prefix)), without(suffix, std::move(hits[1]))};
}

std::string EventScrubber::scrubbed(std::string_view text) { return without(text, {}); }

EventScrubber::Around EventScrubber::around_of(const schema::Offered& offered) {
  Around around{
      std::string(last_part(offered.prefix)), std::string(first_part(offered.suffix)), {Span{}}};
  for (const schema::Candidate& candidate : offered.candidates)
    for (const Span& span : spans_of(candidate.replaces, around))
      if (std::find(around.spans.begin(), around.spans.end(), span) == around.spans.end())
        around.spans.push_back(span);
  return around;
}

std::vector<EventScrubber::Span> EventScrubber::spans_of(std::string_view replaces,
                                                         const Around& around) {
  std::vector<Span> spans;
  if (replaces.empty()) return spans;
  for (std::size_t left = 0; left <= std::min(replaces.size(), around.before.size()); ++left)
    if (spans.size() < kMostSpans && around.before.ends_with(replaces.substr(0, left)) &&
        around.after.starts_with(replaces.substr(left)))
      spans.push_back({left, replaces.size() - left});
  return spans;
}

void EventScrubber::scrub(schema::Offered& offered, Around& around) const {
  const std::size_t prefix_end = offered.prefix.size();
  Hits of_prefix;
  Hits of_suffix;
  const auto look = [&](std::string_view text, const Span& span) {
    const std::vector<Hits> hits = find_at(around, span, text);
    append(of_prefix, hits[0], prefix_end - around.before.size());
    append(of_suffix, hits[2], span.behind);
    return hits[1];
  };
  // What is replaced stands there already: once is enough for all of them.
  const std::size_t cursor = around.before.size();
  const Hits standing = find_(around.before + around.after);
  append(of_prefix, within(standing, 0, cursor), prefix_end - cursor);
  append(of_suffix, within(standing, cursor, cursor + around.after.size()));
  for (schema::Candidate& candidate : offered.candidates) {
    Hits of_text = look(candidate.text, {});
    Hits of_replaces;
    for (const Span& span : spans_of(candidate.replaces, around)) {
      Hits here = within(standing, cursor - span.left, cursor + span.behind);
      const Hits instead = look(candidate.text, span);
      append(of_text, instead);
      append_counterparts(here, instead, candidate.text, candidate.replaces);
      const Halves parts = split_at(here, span.left);
      append(of_prefix, parts.first, prefix_end - span.left);
      append(of_suffix, parts.second);
      append(of_replaces, here);
    }
    append_counterparts(of_replaces, of_text, candidate.text, candidate.replaces);
    candidate.replaces = without(candidate.replaces, std::move(of_replaces));
    for (const schema::SecretHit& hit : of_text)
      around.secrets.emplace_back(hit.rule, candidate.text.substr(hit.begin, hit.end - hit.begin));
    candidate.text = without(candidate.text, std::move(of_text));
  }
  offered.prefix = without(offered.prefix, std::move(of_prefix));
  offered.suffix = without(offered.suffix, std::move(of_suffix));
}

EventScrubber::Around& EventScrubber::remember(const std::string& suggestion, Around around) {
  // Room first: what is forgotten is never what was just put in.
  if (remembered_.size() >= kMostRemembered) {
    around_.erase(remembered_.front());
    remembered_.pop_front();
  }
  remembered_.push_back(suggestion);
  return around_.insert_or_assign(suggestion, std::move(around)).first->second;
}

std::string EventScrubber::scrubbed_within(const std::string& suggestion,
                                           const std::string& text) const {
  const auto around = around_.find(suggestion);
  if (around == around_.end()) throw std::logic_error("no place of suggestion " + suggestion);
  Hits hits;
  for (const Span& span : around->second.spans)
    append(hits, find_at(around->second, span, text)[1]);
  for (const auto& [rule, secret] : around->second.secrets) append_pieces(hits, rule, secret, text);
  return without(text, std::move(hits));
}

std::vector<EventScrubber::Hits> EventScrubber::find_at(const Around& around, const Span& span,
                                                        std::string_view text) const {
  std::string_view before = around.before;
  std::string_view after = around.after;
  before.remove_suffix(span.left);
  after.remove_prefix(span.behind);
  return find_in({before, text, after});
}

std::vector<EventScrubber::Hits> EventScrubber::find_in(
    const std::vector<std::string_view>& texts) const {
  std::string whole;
  for (const std::string_view text : texts) whole += text;
  const Hits found = find_(whole);
  std::vector<Hits> out;
  std::size_t begin = 0;
  for (const std::string_view text : texts) {
    out.push_back(within(found, begin, begin + text.size()));
    begin += text.size();
  }
  return out;
}

// These, and what is found in the text alone: whoever reads it later has nothing else.
std::string EventScrubber::without(std::string_view text, Hits hits) const {
  tidy(hits);
  const std::string rest = hits.empty() ? std::string() : schema::redacted(text, hits);
  const std::string_view left = hits.empty() ? text : std::string_view(rest);
  return schema::redacted(left, find_(left));
}

}  // namespace strop::agent
