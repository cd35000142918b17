#include "agent/privacy/event_scrubber.h"

#include <algorithm>
#include <cstddef>

namespace strop::agent {
namespace {

// So much around the cursor decides over a secret that it cuts; a key in PEM form may begin further
// up.
constexpr std::size_t kNear = 1'024;
constexpr std::size_t kMostRemembered = 256;
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

// From a line's beginning, where there is one.
std::string_view last_part(std::string_view text) {
  if (text.size() <= kNear || text.find(kKeyLine) != std::string_view::npos) return text;
  text.remove_prefix(text.size() - kNear);
  const std::size_t line = text.find('\n');
  return line == std::string_view::npos ? text : text.substr(line + 1);
}

std::string_view first_part(std::string_view text) {
  if (text.size() <= kNear || text.find(kKeyLine) != std::string_view::npos) return text;
  text = text.substr(0, kNear);
  const std::size_t line = text.rfind('\n');
  return line == std::string_view::npos ? text : text.substr(0, line);
}

void append(std::vector<schema::SecretHit>& all, const std::vector<schema::SecretHit>& more,
            std::size_t offset = 0) {
  for (const schema::SecretHit& hit : more)
    all.push_back({hit.rule, hit.begin + offset, hit.end + offset});
}

}  // namespace

schema::Event EventScrubber::scrubbed(schema::Event event) {
  const auto around = around_.find(event.suggestion);
  const auto within = [&](std::string& text) {
    text = around == around_.end() ? scrubbed(text) : scrubbed_within(around->second, text);
  };
  if (auto* offered = std::get_if<schema::Offered>(&event.body)) {
    remember(event.suggestion, *offered);
    scrub(*offered);
  } else if (auto* outcome = std::get_if<schema::Outcome>(&event.body)) {
    within(outcome->text);
  } else if (auto* settled = std::get_if<schema::Settled>(&event.body)) {
    within(settled->text);
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

void EventScrubber::scrub(schema::Offered& offered) {
  const std::string_view before = last_part(offered.prefix);
  const std::string_view after = first_part(offered.suffix);
  const std::size_t cut = offered.prefix.size() - before.size();
  Hits of_prefix;
  Hits of_suffix;
  const auto look = [&](std::string_view middle) {
    const std::vector<Hits> hits = find_in({before, middle, after});
    append(of_prefix, hits[0], cut);
    append(of_suffix, hits[2]);
    return hits[1];
  };
  look("");
  for (schema::Candidate& candidate : offered.candidates) {
    Hits of_text = look(candidate.text);
    // What it replaces may stand at the end of the prefix, and the text then begins there.
    std::string_view start = before;
    if (!candidate.replaces.empty() && start.ends_with(candidate.replaces)) {
      start.remove_suffix(candidate.replaces.size());
      const std::vector<Hits> hits = find_in({start, candidate.text, after});
      append(of_prefix, hits[0], cut);
      append(of_text, hits[1]);
      append(of_suffix, hits[2]);
      candidate.replaces = without(candidate.replaces, find_in({start, candidate.replaces})[1]);
    } else if (!candidate.replaces.empty()) {
      candidate.replaces = without(candidate.replaces, look(candidate.replaces));
    }
    candidate.text = without(candidate.text, std::move(of_text));
  }
  offered.prefix = without(offered.prefix, std::move(of_prefix));
  offered.suffix = without(offered.suffix, std::move(of_suffix));
}

void EventScrubber::remember(const std::string& suggestion, const schema::Offered& offered) {
  Around around{std::string(last_part(offered.prefix)), std::string(first_part(offered.suffix))};
  if (!around_.insert_or_assign(suggestion, std::move(around)).second) return;
  remembered_.push_back(suggestion);
  if (remembered_.size() <= kMostRemembered) return;
  around_.erase(remembered_.front());
  remembered_.pop_front();
}

std::string EventScrubber::scrubbed_within(const Around& around, const std::string& text) {
  return without(text, find_in({around.before, text, around.after})[1]);
}

std::vector<EventScrubber::Hits> EventScrubber::find_in(
    const std::vector<std::string_view>& texts) const {
  std::string whole;
  for (const std::string_view text : texts) whole += text;
  const Hits found = find_(whole);
  std::vector<Hits> out(texts.size());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::size_t end = begin + texts[i].size();
    for (const schema::SecretHit& hit : found) {
      const std::size_t from = std::max(begin, hit.begin);
      const std::size_t to = std::min(end, hit.end);
      if (from < to) out[i].push_back({hit.rule, from - begin, to - begin});
    }
    begin = end;
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
