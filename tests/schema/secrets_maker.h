// Makes secrets up for tests. None is ever written down: a scanner of repositories would take it
// for real.
//
// A value; one thread. The same seed gives the same secrets.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace strop::schema {

inline constexpr std::string_view kBase62 =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
inline constexpr std::string_view kLower36 = "abcdefghijklmnopqrstuvwxyz0123456789";
inline constexpr std::string_view kUpper36 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
inline constexpr std::string_view kHex = "0123456789abcdef";
inline constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
inline constexpr std::string_view kBase64 =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
inline constexpr std::string_view kDigits = "0123456789";
inline constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

class SecretMaker {
 public:
  explicit SecretMaker(unsigned seed) : random_(seed) {}
  std::string operator()(std::string_view alphabet, std::size_t size) {
    std::string out;
    std::uniform_int_distribution<std::size_t> pick(0, alphabet.size() - 1);
    while (out.size() < size) out.push_back(alphabet[pick(random_)]);
    return out;
  }
  std::string uuid() {
    auto& make = *this;
    return make(kHex, 8) + "-" + make(kHex, 4) + "-4" + make(kHex, 3) + "-a" + make(kHex, 3) + "-" +
           make(kHex, 12);
  }
  // So many lines as a private key has.
  std::string key_lines(int lines) {
    std::string out;
    for (int i = 0; i < lines; ++i) out += (*this)(kBase64, 64) + "\n";
    return out;
  }

 private:
  std::mt19937 random_;
};

}  // namespace strop::schema
