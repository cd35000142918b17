#include <stdexcept>
#include <type_traits>

#include "schema/wire.h"
#include "schema/wire_bytes.h"

namespace strop::schema {
namespace {

using wire::kChecksummedFrom;
using wire::kHeaderBytes;
using wire::layout_version;
using wire::Type;
using wire::Writer;

Writer write(const Hello& hello, std::uint8_t version) {
  Writer out(version, Type::kHello);
  out.u8(hello.version_min);
  out.u8(hello.version_max);
  out.id(hello.install);
  out.id(hello.epoch);
  out.u64(hello.first_held);
  out.u64(hello.first_unacked);
  out.text(hello.agent);
  return out;
}

Writer write(const Welcome& welcome, std::uint8_t version) {
  Writer out(version, Type::kWelcome);
  out.u8(welcome.version);
  out.id(welcome.epoch);
  out.u64(welcome.durable_through);
  out.u32(welcome.credits);
  out.u32(welcome.max_batch);
  out.u32(welcome.heartbeat_ms);
  return out;
}

Writer write(const Batch& batch, std::uint8_t version) {
  if (batch.records.size() > kMaxBatchRecords) throw std::length_error("wire: too many records");
  Writer out(version, Type::kBatch);
  out.u32(0);  // the checksum, once the rest stands
  out.id(batch.epoch);
  out.u64(batch.first_seq);
  out.u32(static_cast<std::uint32_t>(batch.records.size()));
  for (const Record& record : batch.records) {
    out.u32(record.span);
    out.bytes(record.payload);
  }
  out.put_u32_at(kHeaderBytes, crc32c(out.view().substr(kChecksummedFrom)));
  return out;
}

Writer write(const Ack& ack, std::uint8_t version) {
  Writer out(version, Type::kAck);
  out.id(ack.epoch);
  out.u64(ack.durable_through);
  out.u32(ack.credits);
  out.u32(static_cast<std::uint32_t>(ack.rejected.size()));
  for (const Rejected& rejected : ack.rejected) {
    out.u64(rejected.seq);
    out.u16(static_cast<std::uint16_t>(rejected.code));
  }
  return out;
}

Writer write(const Nack& nack, std::uint8_t version) {
  Writer out(version, Type::kNack);
  out.id(nack.epoch);
  out.u64(nack.first_seq);
  out.u8(nack.permanent ? 1 : 0);
  out.u16(static_cast<std::uint16_t>(nack.code));
  out.u32(nack.retry_after_ms);
  out.text(nack.reason);
  return out;
}

Writer write(const Ping& ping, std::uint8_t version) {
  Writer out(version, Type::kPing);
  out.u64(ping.token);
  return out;
}

Writer write(const Pong& pong, std::uint8_t version) {
  Writer out(version, Type::kPong);
  out.u64(pong.token);
  return out;
}

Writer write(const Bye&, std::uint8_t version) { return {version, Type::kBye}; }

Writer write(const Enrol& enrol, std::uint8_t version) {
  Writer out(version, Type::kEnrol);
  out.text(enrol.key);
  out.text(enrol.agent);
  return out;
}

Writer write(const Enrolled& enrolled, std::uint8_t version) {
  Writer out(version, Type::kEnrolled);
  out.text(enrolled.name);
  out.text(enrolled.server_key);
  out.text(enrolled.next_server_key);
  return out;
}

template <class Body>
constexpr std::uint8_t kVersionOf = std::is_same_v<Body, Enrol> || std::is_same_v<Body, Enrolled>
                                        ? layout_version(Type::kEnrol)
                                        : layout_version(Type::kHello);

}  // namespace

std::string encode(const Frame& frame) {
  return std::visit(
      [](const auto& body) { return write(body, kVersionOf<std::decay_t<decltype(body)>>).take(); },
      frame);
}

std::string encode(const Frame& frame, std::uint8_t version) {
  return std::visit([&](const auto& body) { return write(body, version).take(); }, frame);
}

}  // namespace strop::schema
