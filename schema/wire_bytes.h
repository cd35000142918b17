// The bytes that frames are made of: which type has which number, and integers and texts in and
// out.
//
// For wire_encode.cpp and wire_decode.cpp alone; wire.h is what others see. Values, one thread
// each. Integers are little-endian, sizes bytes. Errors: a Reader tells by `good`; a Writer throws
// std::length_error on what is beyond the limits of wire.h.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "schema/wire.h"

namespace strop::schema::wire {

enum class Type : std::uint8_t {
  kHello = 1,
  kWelcome = 2,
  kBatch = 3,
  kAck = 4,
  kNack = 5,
  kPing = 6,
  kPong = 7,
  kBye = 8,
  kEnrol = 9,
  kEnrolled = 10
};

// The first wire version that has such frames.
constexpr std::uint8_t layout_version(Type type) {
  return type == Type::kEnrol || type == Type::kEnrolled ? 2 : 1;
}

inline constexpr std::size_t kHeaderBytes = 4;
inline constexpr std::size_t kChecksummedFrom = 8;  // of a BATCH: all after header and checksum

class Writer {
 public:
  Writer(std::uint8_t version, Type type) {
    u8(version);
    u8(static_cast<std::uint8_t>(type));
    u16(0);  // reserved
  }
  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u16(std::uint16_t value) { little(value); }
  void u32(std::uint32_t value) { little(value); }
  void u64(std::uint64_t value) { little(value); }
  void id(const WireId& value) {
    out_.append(reinterpret_cast<const char*>(value.data()), value.size());
  }
  void text(std::string_view value) {
    if (value.size() > kMaxWireText) throw std::length_error("wire: a text above 255 bytes");
    u8(static_cast<std::uint8_t>(value.size()));
    out_.append(value);
  }
  void bytes(std::string_view value) {
    u32(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
  }
  void put_u32_at(std::size_t offset, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) out_[offset + i] = static_cast<char>(value >> (8 * i) & 0xff);
  }
  std::string_view view() const { return out_; }
  std::string take() {
    if (out_.size() > kMaxMessageBytes) throw std::length_error("wire: a message above 1 MiB");
    return std::move(out_);
  }

 private:
  template <class T>
  void little(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      out_.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  }
  std::string out_;
};

// Reads within bounds; once something is missing, `good` stays false and every read gives zeros.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool good() const { return good_; }
  std::size_t left() const { return rest_.size(); }
  std::uint8_t u8() { return little<std::uint8_t>(); }
  std::uint16_t u16() { return little<std::uint16_t>(); }
  std::uint32_t u32() { return little<std::uint32_t>(); }
  std::uint64_t u64() { return little<std::uint64_t>(); }
  WireId id() {
    WireId out{};
    const std::string_view raw = take(out.size());
    std::copy(raw.begin(), raw.end(), out.begin());
    return out;
  }
  std::string text() { return std::string(take(u8())); }
  std::string bytes(std::size_t size) { return std::string(take(size)); }

 private:
  std::string_view take(std::size_t size) {
    if (!good_ || size > rest_.size()) {
      good_ = false;
      return {};
    }
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  template <class T>
  T little() {
    const std::string_view raw = take(sizeof(T));
    T out = 0;
    for (std::size_t i = 0; i < raw.size(); ++i)
      out = static_cast<T>(
          out | static_cast<T>(static_cast<T>(static_cast<std::uint8_t>(raw[i])) << (8 * i)));
    return out;
  }
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace strop::schema::wire
