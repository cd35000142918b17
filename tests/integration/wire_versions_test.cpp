// Agents and collectors of neighbouring versions: what was said on the wire by a released version
// is recorded in wire/, and the present other side has to get on with it. And what a version to
// come would say is settled on the highest in common, or refused so that a person understands.
//
// A recording is frames, each behind its length (u32, little-endian). For a new wire version:
// STROP_RECORD_WIRE=tests/integration/wire integration_wire_versions_test writes agent-N.bin and
// collector-N.bin of the present programs; those of older versions stay as they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <zmq.hpp>

#include "agent/spool.h"
#include "agent/spool_store.h"
#include "agent/uplink.h"
#include "collector/serve_process.h"
#include "collector/store/sqlite_store.h"
#include "schema/wire.h"
#include "support/temporary_folder.h"

namespace strop {
namespace {

using collector::ServeProcess;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{20};
constexpr std::uint8_t kOldest = 1;
constexpr std::uint8_t kNewer = schema::kWireVersionMax + 1;
// Where the epoch stands in version 1: behind the header, in WELCOME behind the version too.
constexpr std::size_t kEpochInWelcome = 5;
constexpr std::size_t kEpochInAck = 4;

using Frames = std::vector<std::string>;

std::filesystem::path recording(const std::string& who, int version) {
  return std::filesystem::path(STROP_TESTS_DIR) / "integration/wire" /
         (who + "-" + std::to_string(version) + ".bin");
}

Frames read_recording(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  Frames out;
  unsigned char size[4];
  while (in.read(reinterpret_cast<char*>(size), sizeof(size))) {
    out.emplace_back(size[0] | size[1] << 8 | size[2] << 16, '\0');
    in.read(out.back().data(), static_cast<std::streamsize>(out.back().size()));
  }
  EXPECT_THAT(out, Not(IsEmpty())) << file;
  return out;
}

void write_recording(const std::filesystem::path& file, const Frames& frames) {
  std::ofstream out(file, std::ios::binary);
  for (const std::string& frame : frames) {
    for (unsigned shift = 0; shift < 32; shift += 8)
      out.put(static_cast<char>(frame.size() >> shift & 0xff));
    out << frame;
  }
}

template <class T>
T as(const std::string& bytes) {
  const auto frame = schema::decode(bytes);
  if (!frame) throw std::runtime_error(frame.error().message);
  if (!std::holds_alternative<T>(*frame))
    throw std::runtime_error("another frame than expected: " + std::to_string(frame->index()));
  return std::get<T>(*frame);
}

// One end of the wire that says bytes, whatever they are.
class Socket {
 public:
  explicit Socket(zmq::socket_type type) : socket_(context_, type) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvtimeo, 100);
  }
  zmq::socket_t& operator*() { return socket_; }

  // Empty: nothing came in a tenth of a second. Of a ROUTER it notes who spoke.
  std::string hear() {
    zmq::message_t message;
    if (!socket_.recv(message)) return "";
    if (message.more()) {
      peer_ = message.to_string();
      static_cast<void>(socket_.recv(message));
    }
    return message.to_string();
  }
  std::string await() {
    for (const auto deadline = Steady::now() + kPatience; Steady::now() < deadline;)
      if (std::string heard = hear(); !heard.empty()) return heard;
    throw std::runtime_error("nothing was said");
  }
  void say(const std::string& bytes) {
    if (!peer_.empty()) socket_.send(zmq::buffer(peer_), zmq::send_flags::sndmore);
    socket_.send(zmq::buffer(bytes));
  }
  std::string ask(const std::string& bytes) {
    say(bytes);
    return await();
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
  std::string peer_;
};

// A captured event, as FORMAT.md has it.
std::string event(int number) {
  return R"({"v":1,"type":"shown","suggestion":"s)" + std::to_string(number) +
         R"(","t_ms":5,"uri":"file:///w/area.py","language":"python","server":"pylsp",)"
         R"("source":"inline","dialect":"lsp-inline","presence":"rendered"})";
}

class WireVersionsTest : public testing::Test {
 protected:
  WireVersionsTest() {
    serve_.emplace(std::vector<std::string>{"--store", at("events.db"), "--insecure-loopback",
                                            "--bind", "tcp://127.0.0.1:0"},
                   at("ports"));
    (*agent_).connect("tcp://127.0.0.1:" + std::to_string(serve_->port()));
    (*collector_).bind("tcp://127.0.0.1:*");
  }

  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  std::map<std::uint64_t, std::string> stored() const {
    std::map<std::uint64_t, std::string> out;
    collector::SqliteStore(at("events.db"), collector::StoreAccess::kRead)
        .scan(0, [&](const collector::StoredEvent& each) {
          out[each.seq] = each.payload;
          return true;
        });
    return out;
  }

  // Three events, the second of them forgotten, and what ships them to `collector_`.
  void start_uplink() {
    spool_.emplace(agent::SpoolOptions{.state = folder_.path()});
    for (int number = 1; number <= 3; ++number) spool_->append(event(number));
    ASSERT_EQ(agent::SpoolStore(folder_.path()).forget([](const agent::StoredRecord& record) {
      return record.seq == 2;
    }),
              1U);
    agent::UplinkOptions options;
    options.state = folder_.path();
    options.endpoints = {(*collector_).get(zmq::sockopt::last_endpoint)};
    options.reconnect_min_ms = options.reconnect_max_ms = 20;
    options.lock_retry_ms = options.look_ms = 10;
    options.look_max_ms = 50;
    uplink_.emplace(std::move(options));
  }
  agent::UplinkStatus await_status(const std::function<bool(const agent::UplinkStatus&)>& good) {
    for (const auto deadline = Steady::now() + kPatience; Steady::now() < deadline;)
      if (auto status = uplink_->status(); good(status)) return status;
    ADD_FAILURE() << uplink_->status().trouble;
    return uplink_->status();
  }
  // Until so many records wait; what was forgotten is given up and does not.
  void await_spooled(std::uint64_t wanted) const {
    std::uint64_t spooled = 0;
    for (const auto deadline = Steady::now() + kPatience; Steady::now() < deadline;)
      if ((spooled = agent::SpoolStore(folder_.path()).ledger()->spooled) == wanted) return;
    ADD_FAILURE() << spooled << " wait";
  }

  support::TemporaryFolder folder_;
  std::optional<ServeProcess> serve_;
  Socket agent_{zmq::socket_type::dealer};      // to the collector of this version
  Socket collector_{zmq::socket_type::router};  // for the agent of this version
  std::optional<agent::Spool> spool_;
  std::optional<agent::Uplink> uplink_;
};

// ---- what the versions before said

class RecordedVersionTest : public WireVersionsTest, public testing::WithParamInterface<int> {};

TEST_P(RecordedVersionTest, ItsAgentGetsOnWithThisCollector) {
  const Frames said = read_recording(recording("agent", GetParam()));
  for (int round = 0; round < 2; ++round) {  // the second time all of it is there already
    std::map<std::uint64_t, std::string> sent;
    for (const std::string& frame : said) {
      const auto meant = schema::decode(frame).value();
      if (std::holds_alternative<schema::Bye>(meant)) continue;
      const std::string answer = agent_.ask(frame);
      if (std::holds_alternative<schema::Hello>(meant)) {
        EXPECT_EQ(as<schema::Welcome>(answer).version, GetParam());
      } else if (const auto* batch = std::get_if<schema::Batch>(&meant)) {
        const auto ack = as<schema::Ack>(answer);
        EXPECT_GE(ack.durable_through, schema::last_seq(*batch));
        EXPECT_THAT(ack.rejected, IsEmpty());
        std::uint64_t seq = batch->first_seq;
        for (const auto& record : batch->records) {
          sent[seq] = record.payload;
          seq += record.span;
        }
      }
    }
    EXPECT_EQ(sent.size(), 3U);
    EXPECT_EQ(stored(), sent);
  }
}

TEST_P(RecordedVersionTest, ItsCollectorGetsOnWithThisAgent) {
  start_uplink();
  for (std::string answer : read_recording(recording("collector", GetParam()))) {
    const auto heard = schema::decode(collector_.await()).value();
    // The recorded epoch was that of another spool.
    if (const auto* hello = std::get_if<schema::Hello>(&heard)) {
      as<schema::Welcome>(answer);
      std::copy(hello->epoch.begin(), hello->epoch.end(), answer.begin() + kEpochInWelcome);
    } else if (const auto* batch = std::get_if<schema::Batch>(&heard)) {
      as<schema::Ack>(answer);
      std::copy(batch->epoch.begin(), batch->epoch.end(), answer.begin() + kEpochInAck);
    }
    collector_.say(answer);
  }
  await_status([](const agent::UplinkStatus& status) { return status.acked == 3; });
  await_spooled(0);
}

// A layout never changes: what is read of a recording is written again as it was.
TEST_P(RecordedVersionTest, ItsLayoutsAreStillTheSame) {
  for (const char* who : {"agent", "collector"})
    for (const std::string& bytes : read_recording(recording(who, GetParam())))
      EXPECT_EQ(
          schema::encode(schema::decode(bytes).value(), static_cast<std::uint8_t>(bytes.at(0))),
          bytes);
}

INSTANTIATE_TEST_SUITE_P(All, RecordedVersionTest, testing::Range(int{kOldest}, int{kNewer}));

// The present version speaks as its recording does; with STROP_RECORD_WIRE it is made anew.
TEST_F(WireVersionsTest, ThePresentProgramsSayWhatIsRecordedOfThem) {
  start_uplink();
  Frames from_agent;
  Frames from_collector;
  for (int i = 0; i < 2; ++i) {  // HELLO, and a BATCH of all there is
    from_agent.push_back(collector_.await());
    from_collector.push_back(agent_.ask(from_agent.back()));
    collector_.say(from_collector.back());
  }
  await_status([](const agent::UplinkStatus& status) { return status.acked == 3; });
  if (const char* folder = std::getenv("STROP_RECORD_WIRE")) {
    const auto name = "-" + std::to_string(schema::kWireVersionMax) + ".bin";
    write_recording(std::filesystem::path(folder) / ("agent" + name), from_agent);
    write_recording(std::filesystem::path(folder) / ("collector" + name), from_collector);
  }
  const auto kinds = [](const Frames& frames) {
    std::vector<int> out;
    for (const std::string& frame : frames) out.push_back(frame.at(1));
    return out;
  };
  EXPECT_EQ(kinds(from_agent), kinds(read_recording(recording("agent", schema::kWireVersionMax))));
  EXPECT_EQ(kinds(from_collector),
            kinds(read_recording(recording("collector", schema::kWireVersionMax))));
}

// ---- what a version to come might say

std::string newer_hello(std::uint8_t lowest) {
  schema::Hello hello;
  hello.version_min = lowest;
  hello.version_max = kNewer;
  hello.install.fill(1);
  hello.epoch.fill(2);
  hello.agent = "strop-agent of the year after";
  return schema::encode(hello, kNewer) + "fields of a later version";
}

TEST_F(WireVersionsTest, ANewerAgentSettlesOnThisCollectorsVersion) {
  const auto welcome = as<schema::Welcome>(agent_.ask(newer_hello(schema::kWireVersionMin)));
  EXPECT_EQ(welcome.version, schema::kWireVersionMax);
  const schema::Batch batch{welcome.epoch, 1, {{1, event(1)}}};
  EXPECT_EQ(as<schema::Ack>(agent_.ask(schema::encode(batch, welcome.version))).durable_through,
            1U);
  EXPECT_THAT(stored(), ElementsAre(std::pair<const std::uint64_t, std::string>(1, event(1))));
}

TEST_F(WireVersionsTest, AnAgentOfNewerVersionsAloneIsToldWhy) {
  const auto nack = as<schema::Nack>(agent_.ask(newer_hello(kNewer)));
  EXPECT_EQ(nack.code, schema::NackCode::kVersion);
  EXPECT_TRUE(nack.permanent);
  const std::string newer = std::to_string(kNewer);
  EXPECT_EQ(nack.reason, "the collector speaks wire versions 1 to " +
                             std::to_string(schema::kWireVersionMax) + ", the agent " + newer +
                             " to " + newer + "; update the older one");
  // And nobody else is the worse for it.
  EXPECT_EQ(as<schema::Welcome>(agent_.ask(newer_hello(schema::kWireVersionMin))).version,
            schema::kWireVersionMax);
}

TEST_F(WireVersionsTest, ACollectorOfNewerVersionsAloneIsUnderstood) {
  start_uplink();
  const auto hello = as<schema::Hello>(collector_.await());
  EXPECT_EQ(hello.version_min, schema::kWireVersionMin);
  EXPECT_EQ(hello.version_max, schema::kWireVersionMax);
  const schema::Nack nack{hello.epoch, 0, true, schema::NackCode::kVersion, 0, "update the agent"};
  collector_.say(schema::encode(nack, kNewer) + "fields of a later version");
  const auto status =
      await_status([](const agent::UplinkStatus& now) { return !now.trouble.empty(); });
  EXPECT_THAT(status.trouble, HasSubstr("update the agent"));
  await_spooled(2);
}

}  // namespace
}  // namespace strop
