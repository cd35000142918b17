// Secrets made up for fuzz targets, and the holes of an input that they fill: a byte 1 and the byte
// behind it stand for a secret, since none is ever written down in this repository.
//
// Pure functions, any thread. The same number makes the same secret. No errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace strop::fuzz {

inline constexpr char kHole = 1;
inline constexpr std::uint64_t kNoHole = 1u << 30;  // added to a seed: a secret that no hole holds

// None of the letters that placeholders ("example", "dummy") are known by, so that no chance
// makes one.
inline constexpr std::string_view kTokenLetters =
    "bcdefghijklnopqrstuvzBCDEFGHIJKLNOPQRSTUVZ0123456789";
inline constexpr std::string_view kKeyLetters = "BCDEFGHIJKLNOPQRSTUVZ234567";

inline std::string made(std::string_view letters, std::size_t size, std::uint64_t seed) {
  std::string out;
  std::size_t last = 0;
  while (out.size() < size) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    // Never one letter twice in a row: that too is what a placeholder looks like.
    last = (last + 1 + (seed >> 33) % (letters.size() - 1)) % letters.size();
    out.push_back(letters[last]);
  }
  return out;
}

inline constexpr std::size_t kKinds = 6;

inline std::string secret_of(std::size_t kind, std::uint64_t seed) {
  switch (kind % kKinds) {
    case 0:
      return "ghp_" + made(kTokenLetters, 36, seed);
    case 1:
      return "AKIA" + made(kKeyLetters, 16, seed);
    case 2:
      return "glpat-" + made(kTokenLetters, 20, seed);
    case 3:
      return "AIza" + made(kTokenLetters, 35, seed);
    case 4:
      return "npm_" + made(kTokenLetters, 36, seed);
    default:
      return made(kTokenLetters, 64, seed);  // a key's line: secret within one alone
  }
}

inline std::string filled(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == kHole && i + 1 < text.size() && out.size() < (8u << 10)) {
      ++i;
      out += secret_of(static_cast<unsigned char>(text[i]), i);
    } else {
      out.push_back(text[i]);
    }
  return out;
}

}  // namespace strop::fuzz
