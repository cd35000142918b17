#include "simulation/prophet_list.h"

#include <algorithm>
#include <cctype>
#include <random>
#include <set>

namespace strop::simulation {
namespace {

constexpr std::size_t kShortest = 4;  // a word worth a list

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::string_view word_from(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && word_character(text[end])) ++end;
  return text.substr(begin, end - begin);
}

std::set<std::string> words_of(std::string_view text) {
  std::set<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view word = word_from(text, at);
    if (word.size() >= kShortest && std::isdigit(static_cast<unsigned char>(word[0])) == 0)
      out.emplace(word);
    at += word.size() + 1;
  }
  return out;
}

}  // namespace

WordList list_at(std::string_view target, std::string_view before, std::uint64_t seed) {
  WordList out;
  if (target.substr(0, before.size()) != before) return out;
  out.begin = before.size();
  while (out.begin > 0 && word_character(before[out.begin - 1])) --out.begin;
  const std::string word(word_from(target, out.begin));
  if (word.size() < kShortest || std::isdigit(static_cast<unsigned char>(word[0])) != 0) return out;
  std::mt19937_64 random(seed ^ (out.begin * 0x9E3779B97F4A7C15ULL));
  out.incomplete = random() % 4 == 0;
  std::vector<std::string> like;
  std::vector<std::string> other;
  for (const std::string& one : words_of(target.substr(0, 20'000)))
    if (one != word) (one[0] == word[0] ? like : other).push_back(one);
  std::shuffle(like.begin(), like.end(), random);
  std::shuffle(other.begin(), other.end(), random);
  std::vector<std::string> words;
  if (random() % 100 < 75) words.push_back(word);
  if (random() % 100 < 50) words.push_back(word + "_extra");
  like.resize(std::min<std::size_t>(like.size(), random() % 6));
  other.resize(std::min<std::size_t>(other.size(), random() % 25));
  words.insert(words.end(), like.begin(), like.end());
  words.insert(words.end(), other.begin(), other.end());
  std::shuffle(words.begin(), words.end(), random);
  const bool call =
      out.begin + word.size() < target.size() && target[out.begin + word.size()] == '(';
  for (const std::string& one : words) {
    auto form = static_cast<ListOffer::Form>(random() % 6);
    if (form == ListOffer::Form::kSnippet && (one != word || !call)) form = ListOffer::Form::kPlain;
    if (form == ListOffer::Form::kImport && random() % 3 > 0) form = ListOffer::Form::kTextEdit;
    out.offers.push_back({one, form, static_cast<int>(out.offers.size())});
  }
  return out;
}

}  // namespace strop::simulation
