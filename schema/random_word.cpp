#include "schema/random_word.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace strop::schema {
namespace {

constexpr std::size_t kLeast = 8;
constexpr int kDigitGroups = 2;
constexpr std::size_t kBlock = 32;

constexpr std::array<bool, 256> kEndsWord = [] {
  std::array<bool, 256> ends{};
  for (const char c : std::string_view(" \t\n\f\r'\"`,;()[]{}<>"))
    ends[static_cast<unsigned char>(c)] = true;
  return ends;
}();

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }
bool ends_word(char c) { return kEndsWord[static_cast<unsigned char>(c)]; }

// Made of a whole block, so that the compiler takes many bytes at a time.
bool block_has_digit(const char* block) {
  std::uint8_t any = 0;
  for (std::size_t i = 0; i < kBlock; ++i) any |= static_cast<std::uint8_t>(is_digit(block[i]));
  return any != 0;
}

// The first digit from there on, or the text's size.
std::size_t next_digit(std::string_view text, std::size_t at) {
  while (at + kBlock <= text.size() && !block_has_digit(text.data() + at)) at += kBlock;
  while (at < text.size() && !is_digit(text[at])) ++at;
  return at;
}

}  // namespace

bool has_random_word(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t at = next_digit(text, 0); at < text.size(); at = next_digit(text, end)) {
    int groups = 0;
    for (end = at; end < text.size() && !ends_word(text[end]); ++end)
      if (is_digit(text[end]) && (end == at || !is_digit(text[end - 1]))) ++groups;
    if (groups < kDigitGroups) continue;
    // `at` is the word's first digit: only what is no digit stands before it.
    std::size_t begin = at;
    while (begin > 0 && end - begin < kLeast && !ends_word(text[begin - 1])) --begin;
    if (end - begin >= kLeast) return true;
  }
  return false;
}

}  // namespace strop::schema
