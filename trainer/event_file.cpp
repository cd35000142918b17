#include "trainer/event_file.h"

#include <bit>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "schema/wire.h"

namespace strop::trainer {
namespace {

// Protocol buffers' wire format: a key is the field's number and one of these.
enum class Wire : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7U) out += static_cast<char>((value & 0x7FU) | 0x80U);
  out += static_cast<char>(value);
}

void put_key(std::string& out, unsigned field, Wire wire) {
  put_varint(out, (field << 3U) | static_cast<unsigned>(wire));
}

template <class T>
void put_fixed(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void put_bytes(std::string& out, unsigned field, const std::string& bytes) {
  put_key(out, field, Wire::kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

std::string begin_event(double unix_s) {
  std::string out;
  put_key(out, 1, Wire::kFixed64);
  put_fixed(out, unix_s);
  return out;
}

std::string scalar(const std::string& tag, double value) {
  std::string out;
  put_bytes(out, 1, tag);
  put_key(out, 2, Wire::kFixed32);
  put_fixed(out, static_cast<float>(value));
  return out;
}

// So that the sum of bytes that hold a sum is no trivial one.
std::uint32_t masked_sum(const std::string& bytes) {
  return std::rotr(schema::crc32c(bytes), 15) + 0xA282EAD8U;
}

}  // namespace

EventFile::EventFile(const std::string& folder, double unix_s)
    : path_(folder + "/events.out.tfevents." + std::to_string(static_cast<std::int64_t>(unix_s)) +
            ".strop") {
  std::filesystem::create_directories(folder);
  out_.open(path_, std::ios::binary | std::ios::app);
  std::string event = begin_event(unix_s);
  put_bytes(event, 3, "brain.Event:2");
  write(event);
}

void EventFile::add(std::int64_t step, double unix_s,
                    const std::vector<std::pair<std::string, double>>& scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) put_bytes(summary, 1, scalar(tag, value));
  std::string event = begin_event(unix_s);
  put_key(event, 2, Wire::kVarint);
  put_varint(event, static_cast<std::uint64_t>(step));
  put_bytes(event, 5, summary);
  write(event);
}

void EventFile::write(const std::string& event) {
  std::string record;
  put_fixed(record, static_cast<std::uint64_t>(event.size()));
  put_fixed(record, masked_sum(record));
  record += event;
  put_fixed(record, masked_sum(event));
  out_.write(record.data(), static_cast<std::streamsize>(record.size()));
  if (!out_.flush()) throw std::runtime_error("cannot write " + path_ + ": is the disk full?");
}

}  // namespace strop::trainer
