#include "schema/wire.h"

#include <isa-l/crc.h>
#include <algorithm>

namespace strop::schema {

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
