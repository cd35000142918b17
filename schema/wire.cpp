#include "schema/wire.h"

#include <isa-l/crc.h>
#include <algorithm>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "schema/curve_key.h"

namespace strop::schema {
namespace {

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

constexpr std::size_t kHeaderBytes = 4;
constexpr std::size_t kChecksummedFrom = 8;  // of a BATCH: all after header and checksum

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

tl::unexpected<WireError> fault(WireFault kind, std::string message) {
  return tl::unexpected(WireError{kind, std::move(message), std::nullopt, 0});
}

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

using Decoded = tl::expected<Frame, WireError>;

// HELLO's layout never changes; later versions may add fields behind it, which are passed over.
Decoded read_hello(Reader in) {
  Hello out;
  out.version_min = in.u8();
  out.version_max = in.u8();
  out.install = in.id();
  out.epoch = in.id();
  out.first_held = in.u64();
  out.first_unacked = in.u64();
  out.agent = in.text();
  if (!in.good()) return fault(WireFault::kTruncated, "HELLO ends early");
  if (out.version_min > out.version_max || out.version_min == 0)
    return fault(WireFault::kMalformed, "HELLO has an empty version range");
  if (out.first_held == 0 || out.first_unacked == 0)
    return fault(WireFault::kMalformed, "HELLO has a sequence number 0; they start at 1");
  return out;
}

// Ends the reading of a frame of fixed layout: nothing missing, nothing left.
Decoded finish(const Reader& in, Frame frame, const char* name) {
  if (!in.good()) return fault(WireFault::kTruncated, std::string(name) + " ends early");
  if (in.left() != 0)
    return fault(WireFault::kMalformed, std::string(name) + " has bytes behind its end");
  return frame;
}

Decoded read_welcome(Reader in) {
  Welcome out;
  out.version = in.u8();
  out.epoch = in.id();
  out.durable_through = in.u64();
  out.credits = in.u32();
  out.max_batch = in.u32();
  out.heartbeat_ms = in.u32();
  return finish(in, out, "WELCOME");
}

tl::expected<std::vector<Record>, WireError> read_records(Reader& in, std::uint64_t first_seq,
                                                          std::uint32_t count) {
  if (count > kMaxBatchRecords || count * kRecordOverheadBytes > in.left())
    return fault(WireFault::kMalformed, "BATCH counts more records than it can hold");
  std::vector<Record> records;
  records.reserve(count);
  std::uint64_t seq = first_seq;
  for (std::uint32_t i = 0; i < count; ++i) {
    Record record;
    record.span = in.u32();
    const std::uint32_t size = in.u32();
    record.payload = in.bytes(size);
    if (!in.good()) return fault(WireFault::kTruncated, "BATCH ends within a record");
    if (record.span == 0) return fault(WireFault::kMalformed, "BATCH has a record of span 0");
    if (record.span > std::numeric_limits<std::uint64_t>::max() - seq)
      return fault(WireFault::kMalformed, "BATCH runs over the last sequence number");
    seq += record.span;
    records.push_back(std::move(record));
  }
  return records;
}

Decoded read_batch(std::string_view bytes, Reader in) {
  const std::uint32_t checksum = in.u32();
  Batch out;
  out.epoch = in.id();
  out.first_seq = in.u64();
  const std::uint32_t count = in.u32();
  if (!in.good()) return fault(WireFault::kTruncated, "BATCH ends early");
  auto answerable = [&](WireError error) {
    error.epoch = out.epoch;
    error.first_seq = out.first_seq;
    return tl::unexpected(std::move(error));
  };
  if (crc32c(bytes.substr(kChecksummedFrom)) != checksum)
    return answerable({WireFault::kChecksum, "BATCH does not match its checksum", {}, 0});
  if (out.first_seq == 0)
    return answerable({WireFault::kMalformed, "BATCH starts at 0; numbers start at 1", {}, 0});
  auto records = read_records(in, out.first_seq, count);
  if (!records) return answerable(std::move(records.error()));
  out.records = std::move(*records);
  if (in.left() != 0)
    return answerable({WireFault::kMalformed, "BATCH has bytes behind its end", {}, 0});
  return out;
}

Decoded read_ack(Reader in) {
  Ack out;
  out.epoch = in.id();
  out.durable_through = in.u64();
  out.credits = in.u32();
  const std::uint32_t count = in.u32();
  if (count > kMaxBatchRecords) return fault(WireFault::kMalformed, "ACK rejects too many records");
  out.rejected.reserve(std::min<std::size_t>(count, in.left() / 10));
  for (std::uint32_t i = 0; i < count && in.good(); ++i) {
    const std::uint64_t seq = in.u64();
    out.rejected.push_back({seq, static_cast<RejectCode>(in.u16())});
  }
  return finish(in, std::move(out), "ACK");
}

// NACK's layout never changes either: a refusal has to be understood by every version. So an
// unknown code is kept within the frame's meaning (permanent or not) instead of being refused.
Decoded read_nack(Reader in) {
  Nack out;
  out.epoch = in.id();
  out.first_seq = in.u64();
  const std::uint8_t permanent = in.u8();
  out.permanent = permanent != 0;
  out.code = static_cast<NackCode>(in.u16());
  out.retry_after_ms = in.u32();
  out.reason = in.text();
  if (!in.good()) return fault(WireFault::kTruncated, "NACK ends early");
  if (permanent > 1) return fault(WireFault::kMalformed, "NACK is neither permanent nor not");
  return out;
}

Decoded read_ping(Reader in) { return finish(in, Ping{in.u64()}, "PING"); }
Decoded read_pong(Reader in) { return finish(in, Pong{in.u64()}, "PONG"); }

Decoded read_enrol(Reader in) {
  Enrol out{in.text(), in.text()};
  if (in.good() && !is_curve_key(out.key))
    return fault(WireFault::kMalformed, "ENROL has no key of 40 characters of Z85");
  return finish(in, std::move(out), "ENROL");
}

Decoded read_enrolled(Reader in) {
  Enrolled out{in.text(), in.text(), in.text()};
  const bool keys = is_curve_key(out.server_key) &&
                    (out.next_server_key.empty() || is_curve_key(out.next_server_key));
  if (in.good() && !keys)
    return fault(WireFault::kMalformed, "ENROLLED has no keys of 40 characters of Z85");
  return finish(in, std::move(out), "ENROLLED");
}

}  // namespace

std::string to_hex(const WireId& id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * id.size());
  for (const std::uint8_t byte : id) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

std::optional<WireId> wire_id_from_hex(std::string_view hex) {
  WireId out{};
  if (hex.size() != 2 * out.size()) return std::nullopt;
  auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit(hex[2 * i]);
    const int low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return out;
}

std::uint64_t last_seq(const Batch& batch) {
  std::uint64_t next = batch.first_seq;
  for (const Record& record : batch.records) next += record.span;
  return next - 1;
}

std::string encode(const Frame& frame) {
  return std::visit(
      [](const auto& body) { return write(body, kVersionOf<std::decay_t<decltype(body)>>).take(); },
      frame);
}

std::string encode(const Frame& frame, std::uint8_t version) {
  return std::visit([&](const auto& body) { return write(body, version).take(); }, frame);
}

Decoded decode(std::string_view bytes) {
  if (bytes.size() > kMaxMessageBytes) return fault(WireFault::kTooLong, "message above 1 MiB");
  if (bytes.size() < kHeaderBytes) return fault(WireFault::kTruncated, "message without a header");
  Reader in(bytes);
  const std::uint8_t version = in.u8();
  const auto type = static_cast<Type>(in.u8());
  const std::uint16_t reserved = in.u16();
  if (type == Type::kHello) return read_hello(in);
  if (type == Type::kNack) return read_nack(in);
  if (version < kWireVersionMin || version > kWireVersionMax)
    return fault(WireFault::kVersion, "wire version " + std::to_string(version) +
                                          " is not spoken here (only " +
                                          std::to_string(kWireVersionMin) + " to " +
                                          std::to_string(kWireVersionMax) + ")");
  if (reserved != 0) return fault(WireFault::kMalformed, "reserved bytes are not zero");
  if (version < layout_version(type))
    return fault(WireFault::kType, "this frame is none of wire version " + std::to_string(version));
  switch (type) {
    case Type::kWelcome:
      return read_welcome(in);
    case Type::kBatch:
      return read_batch(bytes, in);
    case Type::kAck:
      return read_ack(in);
    case Type::kPing:
      return read_ping(in);
    case Type::kPong:
      return read_pong(in);
    case Type::kBye:
      return finish(in, Bye{}, "BYE");
    case Type::kEnrol:
      return read_enrol(in);
    case Type::kEnrolled:
      return read_enrolled(in);
    case Type::kHello:
    case Type::kNack:
      break;  // read above, at any version
  }
  return fault(WireFault::kType, "unknown frame type");
}

std::optional<std::uint8_t> common_version(const Hello& hello) {
  const std::uint8_t best = std::min(hello.version_max, kWireVersionMax);
  if (best < hello.version_min || best < kWireVersionMin) return std::nullopt;
  return best;
}

std::string_view to_word(RejectCode code) {
  switch (code) {
    case RejectCode::kBadUtf8:
      return "bad_utf8";
    case RejectCode::kBadJson:
      return "bad_json";
    case RejectCode::kTooDeep:
      return "too_deep";
    case RejectCode::kTooLarge:
      return "too_large";
    case RejectCode::kBadEvent:
      return "bad_event";
    case RejectCode::kBadSpan:
      return "bad_span";
    case RejectCode::kScrubFailed:
      return "scrub_failed";
  }
  return "";
}

std::string_view to_word(NackCode code) {
  switch (code) {
    case NackCode::kVersion:
      return "version";
    case NackCode::kUnauthorised:
      return "unauthorised";
    case NackCode::kQuarantined:
      return "quarantined";
    case NackCode::kWrongInstall:
      return "wrong_install";
    case NackCode::kBadFrame:
      return "bad_frame";
    case NackCode::kChecksum:
      return "checksum";
    case NackCode::kHelloFirst:
      return "hello_first";
    case NackCode::kOutOfOrder:
      return "out_of_order";
    case NackCode::kNoCredit:
      return "no_credit";
    case NackCode::kStorage:
      return "storage";
    case NackCode::kDraining:
      return "draining";
  }
  return "";
}

std::uint32_t crc32c(std::string_view bytes) {
  // The library writes nothing; its signature is older than const. What is too long for it comes
  // in pieces.
  constexpr std::size_t kPiece = std::size_t{1} << 30;
  std::uint32_t sum = 0xffffffffU;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kPiece))) {
    const std::string_view piece = bytes.substr(0, kPiece);
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data()));
    sum = crc32_iscsi(data, static_cast<int>(piece.size()), sum);
  }
  return ~sum;
}

}  // namespace strop::schema
