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

// A suffix longer than this was cut at a line.
constexpr std::size_t kCutSuffix = 4096;

char partner_of(char opening) {
  switch (opening) {
    case '(':
      return ')';
    case '[':
      return ']';
    case '{':
      return '}';
    case '"':
    case '\'':
    case '`':
      return opening;
    default:
      return 0;
  }
}

bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }

// What closes all that is opened in `typed`, the innermost first. `quotes`: an apostrophe is one.
std::string closers_of(std::string_view typed, bool quotes) {
  std::string open;  // the innermost last
  for (std::size_t i = 0; i < typed.size(); ++i) {
    const char c = typed[i];
    const bool quoted = !open.empty() && is_quote(open.back());
    if (quoted && c == '\\')
      ++i;
    else if (!open.empty() && c == open.back())
      open.pop_back();
    else if (!quoted && partner_of(c) != 0 && (quotes || !is_quote(c)))
      open += partner_of(c);
  }
  return {open.rbegin(), open.rend()};
}

// The brackets that the editor has closed by itself since: `now` begins with them, and goes on as
// the suffix did before. Nothing: something else changed.
std::optional<std::string> closed_since(std::string_view before, std::string_view now,
                                        std::string_view typed) {
  if (now == before) return "";
  for (const bool quotes : {true, false}) {
    const std::string closed = closers_of(typed, quotes);
    if (closed.empty() || !now.starts_with(closed)) continue;
    const std::string_view rest = now.substr(closed.size());
    const bool cut = before.size() + closed.size() > kCutSuffix && before.starts_with(rest);
    if (rest == before || cut) return closed;
  }
  return std::nullopt;
}

// The part of `text` before what closes the pair that it stands in.
std::string_view within_pair(std::string_view text, char closer) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_quote(closer)) {
      if (c == '\\')
        ++i;
      else if (c == closer)
        return text.substr(0, i);
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if (c == ')' || c == ']' || c == '}') {
      if (depth == 0) return text.substr(0, i);
      --depth;
    }
  }
  return text;
}

// `text` behind `typed`, whichever line ends either has.
std::optional<std::string_view> behind(std::string_view text, std::string_view typed) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < typed.size(); ++i) {
    if (typed[i] == '\r' && i + 1 < typed.size() && typed[i + 1] == '\n') continue;
    if (typed[i] == '\n' && text.substr(at).starts_with("\r\n")) ++at;
    if (at >= text.size() || text[at] != typed[i]) return std::nullopt;
    ++at;
  }
  return text.substr(at);
}

std::optional<double> number_at(const std::vector<std::optional<double>>& all, std::size_t i) {
  return i < all.size() ? all[i] : std::nullopt;
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
  if (entry.uri != ask.uri) return std::nullopt;
  const auto typed = typed_between(entry.prefix, entry.offset, ask.prefix, ask.offset);
  if (!typed) return std::nullopt;
  const auto closed = closed_since(entry.suffix, ask.suffix, *typed);
  if (!closed) return std::nullopt;
  KnownCandidates left;
  left.note = entry.candidates.note;
  left.note.logprobs.clear();
  left.note.propensities.clear();
  left.asked = entry.candidates.asked;
  for (std::size_t i = 0; i < entry.candidates.texts.size(); ++i) {
    const std::string& whole = entry.candidates.texts[i];
    auto text = behind(whole, *typed);
    if (text && !closed->empty()) text = within_pair(*text, closed->front());
    if (!text || is_blank(*text)) continue;
    left.texts.emplace_back(*text);
    const auto begin = static_cast<std::size_t>(text->data() - whole.data());
    left.tokens.push_back(
        i < entry.candidates.tokens.size()
            ? tokens_within(entry.candidates.tokens[i], begin, begin + text->size(), whole.size())
            : TokenLogprobs{});
    left.note.logprobs.push_back(text->size() == whole.size()
                                     ? number_at(entry.candidates.note.logprobs, i)
                                     : summed(left.tokens.back()));
    left.note.propensities.push_back(number_at(entry.candidates.note.propensities, i));
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
