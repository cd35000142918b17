// Whatever editor and server do to one another, with the agent between them the same arrives at
// each end as without it, nothing waits for ever, and the agent's memory stays bounded.
//
// Each scene is played twice: once with the server started directly, once through the agent.
// STROP_CHAOS_HOLD_S: for how long an editor does not read (3 s without it).
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "integration/chaos_run.h"

namespace strop {
namespace {

using namespace support;
using std::chrono::milliseconds;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long kMostOff = 2 << 20;  // KiB; shadow memory counts too
constexpr long kMostFull = 2 << 20;
#else
// Bytes alone need a buffer each way. With capture on: the tap's 64 MiB, a frame of at most 4 MiB
// each way, in the reader, on its way out and as the capture thread parses it, and the program.
constexpr long kMostOff = 24 << 10;
constexpr long kMostFull = 160 << 10;
#endif

constexpr milliseconds kNotStuck{20'000};

milliseconds hold_time() {
  const char* seconds = std::getenv("STROP_CHAOS_HOLD_S");
  return std::chrono::seconds(seconds == nullptr ? 3 : std::atoi(seconds));
}

std::string after(const std::vector<Traffic>& said) {
  std::size_t size = 0;
  for (const Traffic& traffic : said) size += stream_of(traffic).size();
  return "hear:" + std::to_string(size);
}

const Traffic kInitialize{"initialize"};
const Traffic kInitialized{"initialized"};

class ChaosTest : public testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() { ::signal(SIGPIPE, SIG_IGN); }

  // Begun by the handshake, whose answer the agent changes when it captures.
  static Steps with_handshake(Steps steps) {
    steps.insert(steps.begin(), {after({kInitialize}), "say:" + kInitialized.words()});
    return steps;
  }

  void same_both_ways(const Steps& steps, const Script& script) {
    agent_.consent("/chaos");
    const Arrived direct = run_direct(steps, script);
    const Arrived relayed = run_relayed(agent_, GetParam(), steps, script);
    expect_same(relayed, direct);
    EXPECT_GT(relayed.peak_kb, 0);
    EXPECT_LT(relayed.peak_kb, GetParam() == "off" ? kMostOff : kMostFull);
    EXPECT_FALSE(direct.at_editor.empty());
    RecordProperty("peak_kb", std::to_string(relayed.peak_kb));
  }

  AgentProcess agent_;
};

TEST_P(ChaosTest, AServerThatCrashesUnderAFlood) {
  same_both_ways({"hear:300000", "shout:messages:200:3", "crash"}, [](Editor& editor) {
    EXPECT_FALSE(editor.say({"changes", 20'000, 1}));
    editor.read_to_end();
  });
}

TEST_P(ChaosTest, AnEditorThatReadsLateWhatAServerSaidBeforeItsEnd) {
  // More than the editor's pipe holds, less than all on the way to it: the server ends at once.
  same_both_ways({"shout:messages:90:4", "exit:3"}, [](Editor& editor) {
    editor.waits(milliseconds(700));
    editor.read_to_end();
  });
}

TEST_P(ChaosTest, AServerThatHangsAndGoesOn) {
  same_both_ways(with_handshake({"hear:50000", "stop", "hear-all", "exit:0"}), [](Editor& editor) {
    ASSERT_TRUE(editor.say(kInitialize));
    const std::string flood = stream_of({"changes", 10'000, 2});
    const std::string_view rest = editor.wire().push(flood, milliseconds(500));
    EXPECT_LT(flood.size() - rest.size(), 1u << 20) << "what nobody reads is held somewhere";
    ASSERT_TRUE(comes_true([&] { return is_stopped(editor.server()); }));
    ASSERT_EQ(::kill(editor.server(), SIGCONT), 0);
    EXPECT_TRUE(editor.wire().send(rest));
    editor.end_input();
    editor.read_to_end();
  });
}

TEST_P(ChaosTest, AFloodBothWays) {
  same_both_ways(with_handshake({"say:messages:30000:5", "hear-all", "exit:0"}),
                 [](Editor& editor) {
                   ASSERT_TRUE(editor.say(kInitialize));
                   EXPECT_TRUE(editor.say({"changes", 30'000, 6}));
                   editor.end_input();
                   editor.read_to_end();
                 });
}

TEST_P(ChaosTest, AMessageOf100MegabytesBothWays) {
  same_both_ways(with_handshake({"say:large:100:7", "say:messages:10:7", "hear-all", "exit:0"}),
                 [](Editor& editor) {
                   ASSERT_TRUE(editor.say(kInitialize));
                   EXPECT_TRUE(editor.say({"large", 100, 8}));
                   EXPECT_TRUE(editor.say({"changes", 10, 8}));
                   editor.end_input();
                   editor.read_to_end();
                 });
}

TEST_P(ChaosTest, AStormOfRegistrationsThatIsAnswered) {
  same_both_ways({"say:registrations:6000:1", "hear-all", "exit:0"}, [](Editor& editor) {
    EXPECT_TRUE(editor.say({"registered", 6'000, 1}));
    editor.end_input();
    editor.read_to_end();
  });
}

TEST_P(ChaosTest, AStormOfRegistrationsThatNobodyAnswers) {
  same_both_ways(with_handshake({"shout:registrations:20000:1", "hear-all", "exit:0"}),
                 [](Editor& editor) {
                   ASSERT_TRUE(editor.say(kInitialize));
                   editor.end_input();
                   editor.read_to_end();
                 });
}

TEST_P(ChaosTest, AnEditorThatDoesNotRead) {
  same_both_ways(
      with_handshake({"say:messages:20000:2", "hear-all", "exit:0"}), [](Editor& editor) {
        ASSERT_TRUE(editor.say(kInitialize));
        const std::string flood = stream_of({"changes", 16'000, 3});
        EXPECT_EQ(editor.wire().push(flood, kNotStuck).size(), 0u)
            << "the server is not kept from reading";
        EXPECT_TRUE(!editor.is_relayed() || editor.waits(hold_time()));
        EXPECT_EQ(editor.server_file("said"), kInitialized.words()) << "somebody took it all";
        editor.end_input();
        editor.read_to_end();
      });
}

TEST_P(ChaosTest, AnEditorThatDiesWithinAMessage) {
  same_both_ways(with_handshake({"hear-all", "exit:7"}), [](Editor& editor) {
    std::string said = stream_of(kInitialize) + stream_of({"changes", 50, 4});
    said.resize(said.size() - 500);
    EXPECT_EQ(editor.wire().push(said, kNotStuck).size(), 0u);
    EXPECT_TRUE(editor.wire().read_until(1));
    editor.die();
  });
}

TEST_P(ChaosTest, AnEditorThatDiesUnderAFlood) {
  same_both_ways({"shout:messages:30000:9", "exit:0"}, [](Editor& editor) {
    EXPECT_TRUE(editor.wire().read_until(1'000'000));
    editor.die();
  });
}

TEST_P(ChaosTest, JunkBetweenFramesCutAnywhere) {
  for (const unsigned seed : {1u, 2u, 3u}) {
    const std::string n = std::to_string(seed);
    same_both_ways(with_handshake({"split:" + n, "say:junk:1500:" + n, "hear-all", "exit:0"}),
                   [seed](Editor& editor) {
                     editor.wire().split(seed + 10);
                     ASSERT_TRUE(editor.say(kInitialize));
                     EXPECT_TRUE(editor.say({"junk", 1'500, seed + 10}));
                     editor.end_input();
                     editor.read_to_end();
                   });
  }
}

TEST_P(ChaosTest, FramesCutAnywhere) {
  same_both_ways({"split:5", after({kInitialize}), "say:" + kInitialized.words(),
                  "say:messages:500:1", "say:registrations:500:1", "hear-all", "exit:0"},
                 [](Editor& editor) {
                   editor.wire().split(6);
                   ASSERT_TRUE(editor.say(kInitialize));
                   EXPECT_TRUE(editor.say({"changes", 500, 1}));
                   EXPECT_TRUE(editor.say({"requests", 500, 1}));
                   editor.end_input();
                   editor.read_to_end();
                 });
}

TEST_P(ChaosTest, ThousandsOfRequestsAndCancels) {
  const Traffic requests{"requests", 20'000};
  const Traffic cancels{"cancels", 20'000};
  same_both_ways(with_handshake({after({kInitialize, requests, cancels}), "say:results:20000:1",
                                 "hear-all", "exit:0"}),
                 [&](Editor& editor) {
                   ASSERT_TRUE(editor.say(kInitialize));
                   EXPECT_TRUE(editor.say(requests));
                   EXPECT_TRUE(editor.say(cancels));
                   editor.end_input();
                   editor.read_to_end();
                 });
}

INSTANTIATE_TEST_SUITE_P(Modes, ChaosTest, testing::Values("off", "full"),
                         [](const auto& tried) { return tried.param; });

// What the agent itself has to say waits for an editor that does not read only up to a bound.
TEST(ChaosOwnAnswersTest, AreBoundedAndCounted) {
  constexpr int kAsked = 30'000;
  AgentProcess agent;
  const Traffic flood{"messages", 300, 1};
  std::string asking;
  for (int i = 0; i < kAsked; ++i)
    asking += framed(R"({"jsonrpc":"2.0","id":)" + std::to_string(i) +
                     R"(,"method":"strop/status","params":{}})");
  const Arrived got = run_relayed(agent, "full", {"say:" + flood.words(), "hear-all", "exit:0"},
                                  [&](Editor& editor) {
                                    EXPECT_EQ(editor.wire().push(asking, kNotStuck).size(), 0u);
                                    editor.end_input();
                                    editor.read_to_end();
                                  });
  EXPECT_EQ(got.code, 0);
  EXPECT_EQ(got.at_server, digest_of("")) << "what is asked of the agent is not the server's";
  EXPECT_LT(got.peak_kb, kMostFull);
  std::size_t answered = 0;
  for (std::size_t at = 0; (at = got.at_editor.find("\"id\":", at)) != std::string::npos; ++at)
    ++answered;
  const std::string log = content(agent.at("state/strop/agent.log"));
  const auto counts = nlohmann::json::parse(log.substr(log.rfind("session {") + 8));
  const std::size_t dropped = counts["injections_dropped"];
  EXPECT_EQ(counts["messages"]["undelivered"], dropped);
  EXPECT_EQ(answered + dropped, static_cast<std::size_t>(kAsked));
  EXPECT_GT(dropped, 0u);
}

}  // namespace
}  // namespace strop
