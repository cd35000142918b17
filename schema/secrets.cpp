#include "schema/secrets.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>

#include "schema/random_word.h"
#include "schema/secret_rules.h"

namespace strop::schema {
namespace {

constexpr std::string_view kPrivateKey = "private_key";
constexpr std::string_view kMarkEnd = "»";
constexpr std::size_t kMaxRules = 192;
constexpr std::int64_t kMemoryPerRule = 2 << 20;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_upper(c) || is_lower(c); }
bool is_base64(char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '/'; }
char lowered(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lowered(c);
  return out;
}

// Shannon's, over bytes: bits a character.
double entropy(std::string_view text) {
  std::array<int, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const int count : counts)
    if (count > 0) {
      const double share = static_cast<double>(count) / static_cast<double>(text.size());
      bits -= share * std::log2(share);
    }
  return bits;
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

bool has_run_of_one_char(std::string_view text, std::size_t length) {
  std::size_t run = 1;
  for (std::size_t i = 1; i < text.size(); ++i) {
    run = text[i] == text[i - 1] ? run + 1 : 1;
    if (run >= length) return true;
  }
  return false;
}

// Plainly put there for the reader, whatever the rule.
bool is_marked_placeholder(std::string_view lower) {
  return contains_any(lower, {"example", "redacted", "placeholder", "changeme", "change_me",
                              "your_", "your-", "my_secret", "dummy", "${", "{{", "$(", "<%"}) ||
         has_run_of_one_char(lower, 6);
}

// Stands for a value that comes from elsewhere, or for none.
bool is_loose_placeholder(std::string_view value, std::string_view lower) {
  if (is_marked_placeholder(lower)) return true;
  if (value.front() == '$' || value.front() == '<' || value.front() == '%' || value.front() == '{')
    return true;
  if (contains_any(
          lower, {"xxxx",  "****",        "....",       "----",     "sample",   "insert", "replace",
                  "fake",  "1234567890",  "0123456789", "abcdefgh", "deadbeef", "foobar", "secret_",
                  "lorem", "process.env", "os.environ", "getenv",   "://",      "todo"}))
    return true;
  return std::all_of(value.begin(), value.end(), [&](char c) { return c == value.front(); });
}

// Groups of digits that other characters separate: names have one or none, tokens several.
int digit_groups(std::string_view value) {
  int groups = 0;
  for (std::size_t i = 0; i < value.size(); ++i)
    if (is_digit(value[i]) && (i == 0 || !is_digit(value[i - 1]))) ++groups;
  return groups;
}

// The longest run of letters of one case, or a capital and then small ones: as words are.
std::size_t longest_word(std::string_view value) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool goes_on = run > 0 && ((is_lower(value[i]) && is_letter(value[i - 1])) ||
                                     (is_upper(value[i]) && is_upper(value[i - 1])));
    run = goes_on ? run + 1 : (is_letter(value[i]) ? 1 : 0);
    longest = std::max(longest, run);
  }
  return longest;
}

bool looks_random(std::string_view value) {
  const bool only_hex = std::all_of(value.begin(), value.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
  if (only_hex) return value.size() >= 16 && digit_groups(value) >= 2;
  // Long words betray a name or a sentence, unless little of the value is made of them.
  return digit_groups(value) >= 2 && longest_word(value) * 2 < value.size() + 4 &&
         longest_word(value) <= 12;
}

bool looks_like_password(std::string_view value) {
  const bool letters = std::any_of(value.begin(), value.end(), is_letter);
  const bool digits = std::any_of(value.begin(), value.end(), is_digit);
  const bool signs = contains_any(value, {"!", "@", "#", "$", "%", "^", "&", "*", "+", "~", "?"});
  return letters && (digits || signs) &&
         !contains_any(value, {"(", ")", "{", "}", "[", "]", "<", ">", "\\"});
}

bool is_believed(const SecretRule& rule, std::string_view value) {
  if (value.empty() || entropy(value) < rule.entropy) return false;
  if (value.find(kMarkEnd) != std::string_view::npos) return false;  // ours
  const std::string lower = lowered(value);
  switch (rule.proof) {
    case SecretProof::kForm:
      return !is_marked_placeholder(lower) && lower.find("xxxx") == std::string::npos;
    case SecretProof::kPassword:
      return looks_like_password(value) && !is_loose_placeholder(value, lower);
    case SecretProof::kRandom:
      return looks_random(value) && !is_loose_placeholder(value, lower);
  }
  return true;
}

// Which rules have a keyword in a text, in one pass: by a keyword's first three characters, of each
// the five bits that letters of both cases share. Nearly every place ends with one bit of a table
// that is small enough to stay near the processor.
class KeywordIndex {
 public:
  using Rules = std::bitset<kMaxRules>;

  explicit KeywordIndex(const std::vector<SecretRule>& rules) {
    if (rules.size() > kMaxRules) throw std::logic_error("more secret rules than kMaxRules");
    for (std::size_t i = 0; i < rules.size(); ++i)
      for (const std::string_view keyword : rules[i].keywords) add(keyword, i);
  }

  Rules look(std::string_view text) const {
    Rules found;
    std::uint32_t start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      start = next_start(start, text[i]);
      if (!starts_.test(start) || i + 1 < kStart) continue;
      const Words& words = words_[of_start_[start]];
      const char next = i + 1 < text.size() ? text[i + 1] : '\0';
      if ((words.nexts >> (static_cast<unsigned char>(next) & 31U) & 1U) != 0)
        match(words.words, text.substr(i + 1 - kStart), found);
    }
    return found;
  }

 private:
  struct Word {
    std::string_view text;
    bool exact;  // it has capitals, and they count
    Rules rules;
  };
  struct Words {
    std::vector<Word> words;
    std::uint32_t nexts = 0;  // what may follow the start, a bit for each five bits
  };

  static constexpr std::size_t kStart = 3;
  static constexpr std::size_t kStarts = 1 << (5 * kStart);

  static std::uint32_t next_start(std::uint32_t start, char c) {
    return ((start << 5) | (static_cast<unsigned char>(c) & 31U)) & (kStarts - 1);
  }

  void add(std::string_view keyword, std::size_t rule) {
    if (keyword.size() < kStart) throw std::logic_error("a secret rule's keyword is too short");
    std::uint32_t start = 0;
    for (const char c : keyword.substr(0, kStart)) start = next_start(start, c);
    if (!starts_.test(start)) {
      starts_.set(start);
      of_start_[start] = static_cast<std::uint16_t>(words_.size());
      words_.emplace_back();
    }
    std::vector<Word>& words = words_[of_start_[start]].words;
    words_[of_start_[start]].nexts |=
        keyword.size() > kStart ? 1U << (static_cast<unsigned char>(keyword[kStart]) & 31U) : ~0U;
    auto word = std::find_if(words.begin(), words.end(),
                             [&](const Word& known) { return known.text == keyword; });
    if (word == words.end())
      word = words.insert(word,
                          Word{keyword, std::any_of(keyword.begin(), keyword.end(), is_upper), {}});
    word->rules.set(rule);
  }

  static void match(const std::vector<Word>& words, std::string_view at, Rules& found) {
    for (const Word& word : words) {
      if (at.size() < word.text.size() || (found & word.rules) == word.rules) continue;
      const bool same = std::equal(
          word.text.begin(), word.text.end(), at.begin(), [&word](char keyword, char character) {
            return keyword == (word.exact ? character : lowered(character));
          });
      if (same) found |= word.rules;
    }
  }

  std::bitset<kStarts> starts_;
  std::array<std::uint16_t, kStarts> of_start_{};
  std::vector<Words> words_;
};

// The keyword, of a pattern that begins with it and has no other way to begin.
std::string_view lead_of(const SecretRule& rule) {
  constexpr std::string_view kBegin = R"(\b()";
  const std::string_view keyword = rule.keywords.front();
  const bool leads = rule.keywords.size() == 1 && rule.pattern.starts_with(kBegin) &&
                     rule.pattern.substr(kBegin.size()).starts_with(keyword) &&
                     rule.pattern.find('|') == std::string_view::npos &&
                     std::string_view("?*{").find(rule.pattern[kBegin.size() + keyword.size()]) ==
                         std::string_view::npos &&
                     std::all_of(keyword.begin(), keyword.end(), [](char c) {
                       return is_letter(c) || is_digit(c) || c == '_' || c == '-';
                     });
  return leads ? keyword : std::string_view();
}

struct Compiled {
  const std::vector<SecretRule>& rules = secret_rule_table();
  KeywordIndex keywords{rules};
  KeywordIndex::Rules random;  // those whose secret has to look random
  std::vector<std::unique_ptr<re2::RE2>> patterns;
  std::vector<std::string_view> leads;  // what each match begins with; empty: one thing or another

  Compiled() {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kMemoryPerRule);
    for (const SecretRule& rule : rules) {
      if (rule.proof == SecretProof::kRandom) random.set(patterns.size());
      leads.push_back(lead_of(rule));
      patterns.push_back(std::make_unique<re2::RE2>(
          re2::StringPiece(rule.pattern.data(), rule.pattern.size()), options));
      if (!patterns.back()->ok() || patterns.back()->NumberOfCapturingGroups() != 1)
        throw std::logic_error("secret rule " + std::string(rule.name) + ": " +
                               patterns.back()->error());
    }
  }
};

const Compiled& compiled() {
  static const Compiled kCompiled;
  return kCompiled;
}

// Where the next match may begin, from a place on; npos: nowhere.
std::size_t next_chance(std::string_view text, std::size_t from, std::string_view lead) {
  if (lead.empty()) return from < text.size() ? from : std::string_view::npos;
  return text.find(lead, from);
}

void apply(const SecretRule& rule, const re2::RE2& pattern, std::string_view lead,
           std::string_view text, std::vector<SecretHit>& hits) {
  const re2::StringPiece whole(text.data(), text.size());
  // Looking for the lead is quicker than the pattern's own search, and it is rare.
  const auto anchor = lead.empty() ? re2::RE2::UNANCHORED : re2::RE2::ANCHOR_START;
  std::array<re2::StringPiece, 2> groups;
  std::size_t from = next_chance(text, 0, lead);
  while (from != std::string_view::npos) {
    if (pattern.Match(whole, from, text.size(), anchor, groups.data(), 2)) {
      const auto begin = static_cast<std::size_t>(groups[1].data() - text.data());
      const std::size_t end = begin + groups[1].size();
      if (is_believed(rule, text.substr(begin, end - begin)))
        hits.push_back({rule.name, begin, end});
      from = std::max(end, from + 1);
    } else if (lead.empty()) {
      return;
    } else {
      ++from;
    }
    from = next_chance(text, from, lead);
  }
}

// What may stand between the first and the last line of a key, in a file or in a string literal.
bool is_key_body(char c) {
  return is_base64(c) || c == '=' || c == '-' || c == ',' || c == ':' || c == '.' || c == '"' ||
         c == '\'' || c == '\\' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool has_key_material(std::string_view body) {
  constexpr std::size_t kLeast = 20;
  std::size_t run = 0;
  for (const char c : body) {
    run = is_base64(c) ? run + 1 : 0;
    if (run >= kLeast) return true;
  }
  return false;
}

// Past "-----BEGIN … PRIVATE KEY-----" or "-----END … PRIVATE KEY-----" that starts here; 0 if
// none.
std::size_t past_key_line(std::string_view text, std::size_t at, std::string_view opening) {
  constexpr std::string_view kName = "PRIVATE KEY";
  constexpr std::size_t kLongest = 64;
  const std::size_t from = at + opening.size();
  const std::size_t dashes = text.find("-----", from);
  if (dashes == std::string_view::npos || dashes - from > kLongest) return 0;
  const std::string_view name = text.substr(from, dashes - from);
  if (name.find(kName) == std::string_view::npos) return 0;
  // The dashes behind a line break, or one that is written as in a string, are another line's.
  if (name.find_first_of("\r\n\\") != std::string_view::npos) return 0;
  return dashes + 5;
}

// Keys in PEM form: whole, cut off behind, or cut off in front.
void find_private_keys(std::string_view text, std::vector<SecretHit>& hits) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kEnd = "-----END ";
  std::size_t from = 0;
  std::size_t barren = 0;  // looked through up to here without finding any material: once is enough
  const std::size_t first = hits.size();
  for (std::size_t at = text.find(kBegin); at != std::string_view::npos;
       at = text.find(kBegin, from)) {
    from = at + kBegin.size();
    const std::size_t body = past_key_line(text, at, kBegin);
    if (body < std::max<std::size_t>(barren, 1)) continue;
    std::size_t end = body;
    while (end < text.size() && is_key_body(text[end])) {
      const std::size_t past =
          text.substr(end).starts_with(kEnd) ? past_key_line(text, end, kEnd) : 0;
      if (past != 0) {
        end = past;
        break;
      }
      ++end;
    }
    barren = end;
    if (!has_key_material(text.substr(body, end - body))) continue;
    hits.push_back({kPrivateKey, at, end});
    from = end;
  }
  const std::size_t last = hits.size();
  std::size_t key = first;  // of those found above, the first that does not end before `at`
  std::size_t floor = 0;    // the END before: what stands in front of that one was looked through
  for (std::size_t at = text.find(kEnd); at != std::string_view::npos;
       at = text.find(kEnd, at + 1)) {
    const std::size_t end = past_key_line(text, at, kEnd);
    if (end == 0) continue;
    const std::size_t before = std::exchange(floor, at);
    while (key < last && hits[key].end <= at) ++key;
    // The end of a key found above; going back from it would take what stands before the key too.
    if (key < last && hits[key].begin <= at) continue;
    std::size_t begin = at;
    while (begin > before && is_key_body(text[begin - 1])) --begin;
    if (has_key_material(text.substr(begin, at - begin))) hits.push_back({kPrivateKey, begin, end});
  }
}

// By place; what overlaps becomes one hit, under the rule that begins first.
std::vector<SecretHit> merged(std::vector<SecretHit> hits) {
  std::sort(hits.begin(), hits.end(), [](const SecretHit& a, const SecretHit& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  std::vector<SecretHit> out;
  for (const SecretHit& hit : hits)
    if (!out.empty() && hit.begin < out.back().end)
      out.back().end = std::max(out.back().end, hit.end);
    else
      out.push_back(hit);
  return out;
}

std::vector<SecretHit> look_once(std::string_view text) {
  const Compiled& all = compiled();
  KeywordIndex::Rules rules = all.keywords.look(text);
  if ((rules & all.random).any() && !has_random_word(text)) rules &= ~all.random;
  std::vector<SecretHit> hits;
  for (std::size_t i = 0; rules.any() && i < all.rules.size(); ++i)
    if (rules[i]) apply(all.rules[i], *all.patterns[i], all.leads[i], text, hits);
  find_private_keys(text, hits);
  return merged(std::move(hits));
}

// The place of a hit in the text as it was before `taken` was taken out of it. Of a mark that it
// touches, all that the mark stands for.
SecretHit before_redaction(const SecretHit& hit, const std::vector<SecretHit>& taken) {
  SecretHit out{hit.rule, 0, 0};
  std::size_t gone = 0;   // bytes of the text up to the end of the last one
  std::size_t there = 0;  // bytes up to there with the marks
  bool has_begun = false;
  for (const SecretHit& one : taken) {
    const std::size_t mark = there + (one.begin - gone);
    const std::size_t past = mark + kRedactedMark.size() + one.rule.size() + kMarkEnd.size();
    if (!has_begun && hit.begin < past) {
      out.begin = hit.begin < mark ? gone + (hit.begin - there) : one.begin;
      has_begun = true;
    }
    if (hit.end <= mark) break;
    if (hit.end <= past) {
      out.end = one.end;
      return out;
    }
    gone = one.end;
    there = past;
  }
  if (!has_begun) out.begin = gone + (hit.begin - there);
  out.end = gone + (hit.end - there);
  return out;
}

}  // namespace

std::vector<SecretHit> scan_secrets(std::string_view text) {
  // A mark is shorter than its secret and may bring together what only then looks like one, so what
  // was found is taken out and the rest looked at again until nothing is found.
  constexpr int kPasses = 8;
  std::vector<SecretHit> hits = look_once(text);
  for (int pass = 0; pass < kPasses && !hits.empty(); ++pass) {
    std::vector<SecretHit> more = look_once(redacted(text, hits));
    if (more.empty()) return hits;
    for (SecretHit& hit : more) hit = before_redaction(hit, hits);
    hits.insert(hits.end(), more.begin(), more.end());
    hits = merged(std::move(hits));
  }
  // It does not settle: nothing of it can be trusted.
  if (!hits.empty()) hits = {{hits.front().rule, 0, text.size()}};
  return hits;
}

std::string redacted(std::string_view text, const std::vector<SecretHit>& hits) {
  std::string out;
  std::size_t from = 0;
  for (const SecretHit& hit : hits) {
    out.append(text.substr(from, hit.begin - from));
    out.append(kRedactedMark).append(hit.rule).append(kMarkEnd);
    from = hit.end;
  }
  out.append(text.substr(from));
  return out;
}

std::string scrub_secrets(std::string_view text) { return redacted(text, scan_secrets(text)); }

std::vector<std::string_view> secret_rules() {
  std::vector<std::string_view> names{kPrivateKey};
  for (const SecretRule& rule : secret_rule_table())
    if (std::find(names.begin(), names.end(), rule.name) == names.end()) names.push_back(rule.name);
  return names;
}

}  // namespace strop::schema
