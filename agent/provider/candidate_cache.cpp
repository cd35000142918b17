#include "agent/provider/candidate_cache.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace strop::agent {
namespace {

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// What was typed between two cursors of one document; nothing: the texts before differ otherwise.
// A prefix is the end of what is before its cursor: where both reach, they have to be the same.
std::optional<std::string_view> typed_between(std::string_view before, std::size_t from,
                                              std::string_view now, std::size_t to) {
  if (to < from || to - from > now.size()) return std::nullopt;
  const std::string_view typed = now.substr(now.size() - (to - from));
  now.remove_suffix(typed.size());
  const std::size_t both = std::min(before.size(), now.size());
  if (before.substr(before.size() - both) != now.substr(now.size() - both)) return std::nullopt;
  const std::size_t longer = std::max(before.size(), now.size());
  // Cut at another line is the same text; much less of it is another document.
  if (both < longer / 2) return std::nullopt;
  return typed;
}

}  // namespace

void CandidateCache::keep(const InlineAsk& asked, KnownCandidates candidates, Time now) {
  if (most_ == 0 || candidates.texts.empty()) return;
  entries_.remove_if([&](const Entry& entry) {
    return entry.uri == asked.uri && entry.offset == asked.offset && entry.prefix == asked.prefix &&
           entry.suffix == asked.suffix;
  });
  entries_.push_front(
      {asked.uri, asked.offset, asked.prefix, asked.suffix, std::move(candidates), now});
  while (entries_.size() > most_) entries_.pop_back();
}

std::optional<KnownCandidates> CandidateCache::left_of(const Entry& entry, const InlineAsk& ask) {
  if (entry.uri != ask.uri || entry.suffix != ask.suffix) return std::nullopt;
  const auto typed = typed_between(entry.prefix, entry.offset, ask.prefix, ask.offset);
  if (!typed) return std::nullopt;
  KnownCandidates left;
  left.note = entry.candidates.note;
  left.note.logprobs.clear();
  left.asked = entry.candidates.asked;
  for (std::size_t i = 0; i < entry.candidates.texts.size(); ++i) {
    const std::string_view text = entry.candidates.texts[i];
    if (!text.starts_with(*typed) || is_blank(text.substr(typed->size()))) continue;
    left.texts.emplace_back(text.substr(typed->size()));
    const auto& logprobs = entry.candidates.note.logprobs;
    left.note.logprobs.push_back(i < logprobs.size() ? logprobs[i] : std::nullopt);
  }
  if (left.texts.empty()) return std::nullopt;
  return left;
}

std::optional<KnownCandidates> CandidateCache::find(const InlineAsk& ask, Time now) {
  entries_.remove_if([&](const Entry& entry) { return now - entry.kept > age_; });
  auto best = entries_.end();
  std::optional<KnownCandidates> found;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (found && entry->offset <= best->offset) continue;
    auto left = left_of(*entry, ask);
    if (!left) continue;
    found = std::move(left);
    best = entry;
  }
  if (found) entries_.splice(entries_.begin(), entries_, best);
  return found;
}

}  // namespace strop::agent
