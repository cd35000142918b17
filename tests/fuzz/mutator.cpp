#include "mutator.h"

#include <algorithm>
#include <array>

namespace strop::fuzz {
namespace {

// Where sizes, signs and encodings turn over.
constexpr std::array<std::uint64_t, 22> kNumbers{0,
                                                 1,
                                                 2,
                                                 7,
                                                 16,
                                                 63,
                                                 64,
                                                 127,
                                                 128,
                                                 255,
                                                 256,
                                                 1000,
                                                 4096,
                                                 32767,
                                                 65535,
                                                 65536,
                                                 0x7fffffff,
                                                 0x80000000,
                                                 0xffffffff,
                                                 0x7fffffffffffffff,
                                                 0x8000000000000000,
                                                 0xffffffffffffffff};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Mutator::Mutator(std::uint64_t seed, std::vector<std::string> words, std::size_t max_size)
    : random_(seed), words_(std::move(words)), max_size_(max_size) {}

// By hand: what std::uniform_int_distribution gives differs from library to library.
std::size_t Mutator::below(std::size_t bound) {
  return bound == 0 ? 0 : static_cast<std::size_t>(random_() % bound);
}

std::string Mutator::splice(std::string_view first, std::string_view second) {
  const bool at_line = below(2) == 0;
  std::string out(first.substr(0, cut(first, at_line)));
  out += second.substr(cut(second, at_line));
  return out;
}

std::string Mutator::mutate(std::string input) {
  for (std::size_t left = std::size_t{1} << below(4); left > 0; --left) change(input);
  if (input.size() > max_size_) input.resize(max_size_);
  return input;
}

void Mutator::change(std::string& input) {
  const auto [begin, end] = chunk(input);
  switch (below(10)) {
    case 0:
      return flip(input);
    case 1:
      return write_number(input);
    case 2:
      return write_digits(input);
    case 3:
    case 4:
      return write_word(input);
    case 5:
      input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1)),
                   static_cast<char>(below(256)));
      return;
    case 6:
      input.erase(begin, end - begin);
      return;
    case 7: {  // once more, or often: what repeats is what takes long
      const std::string piece = input.substr(begin, end - begin);
      const std::size_t times = below(8) == 0 ? below(64) : 1;
      std::string repeated;
      for (std::size_t i = 0; i < times && repeated.size() < max_size_; ++i) repeated += piece;
      input.insert(end, repeated);
      return;
    }
    case 8: {
      const std::string piece = input.substr(begin, end - begin);
      input.erase(begin, end - begin);
      input.insert(cut(input, below(2) == 0), piece);
      return;
    }
    default:
      return shuffle(input);
  }
}

void Mutator::flip(std::string& input) {
  if (input.empty()) return;
  char& byte = input[below(input.size())];
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << below(8)));
}

// Over the bytes that are there, in either byte order.
void Mutator::write_number(std::string& input) {
  const std::uint64_t number = kNumbers[below(kNumbers.size())];
  const std::size_t size = std::size_t{1} << below(4);
  const bool little = below(2) == 0;
  if (input.size() < size) return;
  const std::size_t at = below(input.size() - size + 1);
  for (std::size_t i = 0; i < size; ++i)
    input[at + (little ? i : size - 1 - i)] = static_cast<char>(number >> (8 * i) & 0xff);
}

// In the place of a number in decimals, where there is one.
void Mutator::write_digits(std::string& input) {
  const auto found = std::find_if(
      input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1)), input.end(), is_digit);
  if (found == input.end()) return;
  const auto end = std::find_if_not(found, input.end(), is_digit);
  std::string digits = std::to_string(kNumbers[below(kNumbers.size())]);
  if (below(8) == 0) digits.insert(0, 1, '-');
  if (below(8) == 0) digits += ".5";
  if (below(8) == 0) digits += "e" + std::to_string(below(400));
  input.replace(static_cast<std::size_t>(found - input.begin()),
                static_cast<std::size_t>(end - found), digits);
}

void Mutator::write_word(std::string& input) {
  if (words_.empty()) return;
  const std::string& word = words_[below(words_.size())];
  const std::size_t at = below(input.size() + 1);
  if (below(2) == 0)
    input.insert(at, word);
  else
    input.replace(at, std::min(word.size(), input.size() - at), word);
}

void Mutator::shuffle(std::string& input) {
  const auto [begin, end] = chunk(input);
  const std::size_t last = std::min(end, begin + 8);
  for (std::size_t i = begin; i + 1 < last; ++i) std::swap(input[i], input[i + below(last - i)]);
}

Mutator::Span Mutator::chunk(std::string_view input) {
  const bool lines = below(2) == 0;
  const std::size_t begin = cut(input, lines);
  // Mostly short: a long one leaves little of what was valid.
  const std::size_t longest = std::size_t{1} << below(12);
  std::size_t end = std::min(input.size(), begin + 1 + below(longest));
  if (lines) {
    const std::size_t line = input.find('\n', end == 0 ? 0 : end - 1);
    if (line != std::string_view::npos) end = line + 1;
  }
  return {begin, std::max(begin, end)};
}

std::size_t Mutator::cut(std::string_view input, bool at_line) {
  const std::size_t at = below(input.size() + 1);
  if (!at_line || at == 0) return at;
  const std::size_t line = input.rfind('\n', at - 1);
  return line == std::string_view::npos ? 0 : line + 1;
}

}  // namespace strop::fuzz
