// A collector in memory: takes what FORMAT.md says a collector takes, and remembers all of it.
//
// One thread. What an agent must never send (a hole, another content under a name in use, what is
// no gap in a gap's place) is an exception that says so: the test has found something.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

#include "schema/wire.h"

namespace strop::agent::test {

struct Arrived {
  std::string payload;
  std::string gap;    // its reason; empty: an event
  bool lost = false;  // that neither side has any more
};

class CollectorModel {
 public:
  using Stream = std::map<std::uint64_t, Arrived>;  // by sequence number, without holes

  // What it answers; nothing to a BYE.
  std::optional<schema::Frame> answer(const schema::Frame& frame) {
    if (const auto* hello = std::get_if<schema::Hello>(&frame)) return welcome(*hello);
    if (const auto* batch = std::get_if<schema::Batch>(&frame)) return take(*batch);
    if (const auto* ping = std::get_if<schema::Ping>(&frame)) return schema::Pong{ping->token};
    return std::nullopt;
  }

  const Stream& stream(const schema::WireId& epoch) { return streams_[epoch]; }
  const std::map<schema::WireId, Stream>& streams() const { return streams_; }

 private:
  schema::Welcome welcome(const schema::Hello& hello) {
    Stream& stream = streams_[hello.epoch];
    for (std::uint64_t seq = stream.size() + 1; seq < hello.first_held; ++seq)
      stream[seq].lost = true;
    return {1, hello.epoch, stream.size(), 1 << 16, 1 << 20, 10'000};
  }

  schema::Ack take(const schema::Batch& batch) {
    Stream& stream = streams_[batch.epoch];
    if (batch.first_seq > stream.size() + 1)
      throw std::logic_error("a batch leaves a hole before " + std::to_string(batch.first_seq));
    std::uint64_t seq = batch.first_seq;
    for (const schema::Record& record : batch.records) {
      const auto json = nlohmann::json::parse(record.payload, nullptr, false);
      const bool gap = json.is_object() && json.value("type", "") == "gap";
      if (gap && json.at("seq") != nlohmann::json{seq, seq + record.span - 1})
        throw std::logic_error("a gap is not of the numbers it came with: " + record.payload);
      if (!gap && record.span != 1) throw std::logic_error("an event of several numbers");
      for (std::uint32_t i = 0; i < record.span; ++i, ++seq)
        put(stream, seq, {record.payload, gap ? json.at("reason").get<std::string>() : ""});
    }
    return {batch.epoch, stream.size(), 1 << 16, {}};
  }

  static void put(Stream& stream, std::uint64_t seq, Arrived arrived) {
    const auto found = stream.find(seq);
    if (found == stream.end() || found->second.lost || !arrived.gap.empty()) {
      // What is erased stays erased.
      if (found == stream.end() || found->second.gap.empty()) stream[seq] = std::move(arrived);
    } else if (found->second.gap.empty() && found->second.payload != arrived.payload) {
      throw std::logic_error("another content under number " + std::to_string(seq));
    }
  }

  std::map<schema::WireId, Stream> streams_;
};

}  // namespace strop::agent::test
