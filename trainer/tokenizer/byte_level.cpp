#include "trainer/tokenizer/byte_level.h"

#include <array>
#include <cstdint>

namespace strop::trainer {
namespace {

constexpr std::size_t kCodes = 512;  // every stand-in is below

// Byte → code point: printable ones stand for themselves, the others for 256 and up.
constexpr std::array<std::uint16_t, 256> byte_table() {
  std::array<std::uint16_t, 256> table{};
  std::uint16_t next = 256;
  for (std::uint16_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    table[byte] = printable ? byte : next++;
  }
  return table;
}

constexpr auto kTable = byte_table();

constexpr std::array<std::int16_t, kCodes> code_table() {
  std::array<std::int16_t, kCodes> table{};
  for (auto& entry : table) entry = -1;
  for (std::int16_t byte = 0; byte < 256; ++byte)
    table[kTable[static_cast<std::size_t>(byte)]] = byte;
  return table;
}

constexpr auto kBytes = code_table();

}  // namespace

std::string to_byte_level(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const unsigned code = kTable[static_cast<unsigned char>(c)];
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else {  // at most 511: two bytes of UTF-8
      out += static_cast<char>(0xC0U | (code >> 6));
      out += static_cast<char>(0x80U | (code & 0x3FU));
    }
  }
  return out;
}

std::optional<std::string> from_byte_level(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = static_cast<unsigned char>(text[i]);
    if (code >= 0x80) {
      if ((code & 0xE0U) != 0xC0U || i + 1 >= text.size()) return std::nullopt;
      code = ((code & 0x1FU) << 6) | (static_cast<unsigned char>(text[++i]) & 0x3FU);
    }
    if (code >= kCodes || kBytes[code] < 0) return std::nullopt;
    out += static_cast<char>(kBytes[code]);
  }
  return out;
}

}  // namespace strop::trainer
