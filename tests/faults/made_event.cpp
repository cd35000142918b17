#include "faults/made_event.h"

#include <sodium.h>

#include <array>
#include <random>

#include "schema/wire.h"

namespace strop::faults {
namespace {

constexpr std::uint32_t kOneIn = 1000;
constexpr std::uint32_t kRejectedBelow = 10;
constexpr std::uint32_t kTooLargeBelow = 12;
constexpr std::uint32_t kLargeBelow = 30;

// The same everywhere and always, unlike std::hash.
std::mt19937 random_of(const std::string& name) { return std::mt19937(schema::crc32c(name)); }

// Plain words: nothing that a rule for secrets would take out.
std::string text(std::mt19937& random, std::size_t bytes) {
  constexpr std::array<const char*, 8> kWords{"while", "return",   "value", "for each",
                                              "item",  "in order", "class", "without"};
  std::string out;
  while (out.size() < bytes) out.append(kWords.at(random() % kWords.size())).push_back(' ');
  return out;
}

}  // namespace

Fate fate_of(const std::string& name) {
  const std::uint32_t drawn = random_of(name)() % kOneIn;
  if (drawn < kRejectedBelow) return Fate::kRejected;
  return drawn < kTooLargeBelow ? Fate::kTooLarge : Fate::kStored;
}

std::string made_event(const std::string& name) {
  std::mt19937 random = random_of(name);
  const std::uint32_t drawn = random() % kOneIn;
  std::size_t bytes = random() % 1000;
  if (drawn < kLargeBelow) bytes = random() % 20'000;
  if (fate_of(name) == Fate::kTooLarge) bytes = schema::kMaxRecordBytes;
  if (fate_of(name) == Fate::kRejected) return "no event: " + name + ' ' + text(random, bytes);
  return R"({"v":1,"type":"shown","suggestion":")" + name +
         R"(","t_ms":5,"source":"inline","presence":"rendered","text":")" + text(random, bytes) +
         "\"}";
}

std::string hash_of(const std::string& bytes) {
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size(), nullptr, 0);
  std::array<char, 2 * crypto_generichash_BYTES + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return hex.data();
}

}  // namespace strop::faults
