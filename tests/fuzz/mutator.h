// Makes new inputs of old ones: flips, numbers, chunks moved about, a target's own words.
//
// Owns its random numbers; one thread. The same seed and the same calls give the same inputs, so
// that a run can be had again. Sizes are bytes. No errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strop::fuzz {

class Mutator {
 public:
  Mutator(std::uint64_t seed, std::vector<std::string> words, std::size_t max_size);

  // Below `bound`; 0 when that is 0.
  std::size_t below(std::size_t bound);

  // The beginning of one and the end of the other.
  std::string splice(std::string_view first, std::string_view second);

  // One to eight changes, then cut to the size allowed.
  std::string mutate(std::string input);

 private:
  using Span = std::pair<std::size_t, std::size_t>;  // begin, end

  void change(std::string& input);
  void flip(std::string& input);
  void write_number(std::string& input);
  void write_digits(std::string& input);
  void write_word(std::string& input);
  void shuffle(std::string& input);

  // A piece of the input: whole lines or any bytes, since formats of both kinds are tried.
  Span chunk(std::string_view input);
  std::size_t cut(std::string_view input, bool at_line);

  std::mt19937_64 random_;
  std::vector<std::string> words_;
  std::size_t max_size_;
};

}  // namespace strop::fuzz
