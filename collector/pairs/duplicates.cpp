#include "collector/pairs/duplicates.h"

#include <sodium.h>

#include <string_view>

namespace strop::collector {
namespace {

constexpr std::size_t kHashBytes = 16;
constexpr std::size_t kTail = 200;  // non-blank bytes that must agree

std::string without_blanks(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') out.push_back(c);
  return out;
}

std::string tail_of(std::string_view text) {
  // Blanks are seldom half of a text; what is short after all compares as it is.
  constexpr std::size_t kLook = 4 * kTail;
  std::string tail = without_blanks(text.size() > kLook ? text.substr(text.size() - kLook) : text);
  return tail.size() > kTail ? tail.substr(tail.size() - kTail) : tail;
}

}  // namespace

bool Duplicates::add(const std::string& kind, const std::string& written,
                     const std::string& rejected) {
  std::string text;
  for (const std::string& part : {kind, tail_of(written), without_blanks(rejected)}) {
    text += part;
    text += '\n';  // in none of them
  }
  std::string hash(kHashBytes, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  return seen_.insert(std::move(hash)).second;
}

bool Duplicates::add(const schema::PreferencePair& pair) {
  return add("pair", pair.prefix + pair.chosen, pair.rejected);
}

bool Duplicates::add(const schema::UnpairedExample& example) {
  return add(example.label ? "wanted" : "unwanted", example.about.prefix + example.completion, "");
}

}  // namespace strop::collector
