// The relay between an editor and a server that the test plays: every byte, in order, both ways.
#include "agent/relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <random>
#include <thread>

#include "agent/relay_ends.h"
#include "lsp/framing.h"
#include "support/session.h"

namespace strop::agent {
namespace {

using lsp::frame;
using namespace std::string_literals;
using testing::ElementsAre;
using Said = std::pair<Direction, std::string>;

constexpr Direction kToServer = Direction::kClientToServer;
constexpr Direction kToEditor = Direction::kServerToClient;
constexpr std::size_t kLargest = 4u << 20;

// Keeps what it sees; decides as a test says.
class Recorder : public MessageHandler {
 public:
  Verdict on_message(Direction direction, std::string_view body) override {
    const std::lock_guard lock(mutex_);
    seen_.emplace_back(direction, body);
    return decide ? decide(body) : Verdict{};
  }
  Passage on_start(Direction, std::string_view begin, std::size_t) override {
    return start ? start(begin) : Passage::kWhole;
  }
  void on_part(Direction direction, std::string_view part, bool last) override {
    const std::lock_guard lock(mutex_);
    growing_ += part;
    if (last) seen_.emplace_back(direction, std::exchange(growing_, {}));
  }
  void on_untapped(Direction, std::string_view) override { ++untapped; }
  void on_forwarded(Direction) override { ++forwarded; }

  std::vector<Said> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  std::function<Verdict(std::string_view)> decide;
  std::function<Passage(std::string_view)> start;
  std::atomic<int> untapped{0};
  std::atomic<int> forwarded{0};

 private:
  mutable std::mutex mutex_;
  std::vector<Said> seen_;
  std::string growing_;
};

class RelayTest : public testing::Test {
 protected:
  void start(MessageHandler* handler, Wire kind = Wire::kPipe) {
    Stage stage(kind);
    editor_ = std::move(stage.editor);
    server_ = std::move(stage.server);
    relay_.emplace(std::move(stage.relay), handler);
    relay_->start();
  }

  // Sends a stream in pieces of `piece` bytes and gives what arrives up to the end.
  static std::string carry(End& from, End& to, const std::string& stream, std::size_t piece) {
    std::thread writer([&] {
      for (std::size_t at = 0; at < stream.size(); at += piece)
        EXPECT_TRUE(from.write(std::string_view(stream).substr(at, piece)));
      from.out.close();
    });
    std::string arrived = to.read_all();
    writer.join();
    return arrived;
  }

  const RelayCounts& counts() {
    relay_->stop();
    return relay_->counts();
  }

  Recorder recorder_;
  End editor_;
  End server_;
  std::optional<Relay> relay_;  // ends before what it calls
};

TEST_F(RelayTest, WithoutAHandlerBytesAreNotEvenFramed) {
  start(nullptr);
  const std::string stream =
      "Content-Length: 2\r\n\r\n{}no frame \0\xff"s + frame("{}") + "Content-";
  EXPECT_EQ(carry(editor_, server_, stream, 7), stream);
  EXPECT_EQ(carry(server_, editor_, stream, 1000), stream);
  EXPECT_EQ(counts().to_server.bytes_in, stream.size());
  EXPECT_EQ(counts().to_editor.bytes_out, stream.size());
  EXPECT_EQ(counts().to_server.frames.frames, 0u);
}

TEST_F(RelayTest, MessagesAreShownToTheHandlerAndGoOnUnchanged) {
  start(&recorder_);
  const std::string odd = "content-length:2\nX-Other: a\n\n{}";
  EXPECT_EQ(carry(editor_, server_, frame("[1]") + odd, 1), frame("[1]") + odd);
  EXPECT_EQ(carry(server_, editor_, odd, 1), odd);
  EXPECT_THAT(recorder_.seen(),
              ElementsAre(Said(kToServer, "[1]"), Said(kToServer, "{}"), Said(kToEditor, "{}")));
  EXPECT_EQ(counts().to_server.frames.frames, 2u);
  EXPECT_GE(recorder_.forwarded.load(), 2);
}

TEST_F(RelayTest, AMessageGoesOnAsSoonAsItIsComplete) {
  start(&recorder_);
  ASSERT_TRUE(editor_.write(frame("[1]") + "Content-Length: 100\r\n\r\n[2"));
  EXPECT_EQ(server_.read(frame("[1]").size()), frame("[1]"));
}

TEST_F(RelayTest, AReplacementHasTheHeaderOfTheMessage) {
  recorder_.decide = [](std::string_view) {
    return Verdict{Verdict::Fate::kReplace, "[\"longer\"]"};
  };
  start(&recorder_);
  ASSERT_TRUE(editor_.write("Content-Type: x\r\nContent-Length: 2\r\n\r\n{}"));
  editor_.out.close();
  EXPECT_EQ(server_.read_all(), "Content-Type: x\r\nContent-Length: 10\r\n\r\n[\"longer\"]");
  EXPECT_EQ(counts().to_server.replaced, 1u);
}

TEST_F(RelayTest, WhatIsSwallowedDoesNotGoOn) {
  recorder_.decide = [](std::string_view body) {
    return Verdict{body == "2" ? Verdict::Fate::kSwallow : Verdict::Fate::kForward, {}};
  };
  start(&recorder_);
  EXPECT_EQ(carry(server_, editor_, frame("1") + frame("2") + frame("3"), 5),
            frame("1") + frame("3"));
  EXPECT_EQ(counts().to_editor.swallowed, 1u);
  EXPECT_EQ(counts().to_editor.frames.frames, 3u);
}

TEST_F(RelayTest, AMessageOfFourMebibytesIsStillShown) {
  start(&recorder_);
  const std::string stream = frame(std::string(kLargest, 'x')) + frame("{}");
  EXPECT_TRUE(carry(server_, editor_, stream, stream.size()) == stream);
  EXPECT_EQ(recorder_.seen().size(), 2u);
  EXPECT_EQ(recorder_.untapped, 0);
}

TEST_F(RelayTest, ALargerOneStreamsThroughUntappedAndCounted) {
  start(&recorder_);
  const std::string large = frame(std::string(kLargest + 1, 'x'));
  // The first of it arrives before the last of it is sent.
  ASSERT_TRUE(server_.write(std::string_view(large).substr(0, 1000)));
  EXPECT_EQ(editor_.read(1000), large.substr(0, 1000));
  const std::string rest = large.substr(1000) + frame("{}");
  EXPECT_TRUE(carry(server_, editor_, rest, rest.size()) == rest);
  EXPECT_THAT(recorder_.seen(), ElementsAre(Said(kToEditor, "{}")));
  EXPECT_EQ(recorder_.untapped, 1);
  EXPECT_EQ(counts().to_editor.frames.oversized_frames, 1u);
  EXPECT_EQ(counts().to_editor.frames.oversized_bytes, large.size());
}

TEST_F(RelayTest, ALargeMessageThatMayGoesOnAsItComes) {
  recorder_.start = [](std::string_view begin) {
    return begin.size() < 3 ? Passage::kUndecided : Passage::kAsIs;
  };
  start(&recorder_);
  const std::string large = frame(std::string(Relay::kLarge, 'x'));
  ASSERT_TRUE(server_.write(large.substr(0, 30)));
  EXPECT_EQ(editor_.read(30), large.substr(0, 30));
  const std::string rest = large.substr(30) + frame("{}");
  EXPECT_EQ(carry(server_, editor_, rest, 1000), rest);
  EXPECT_THAT(recorder_.seen(), ElementsAre(Said(kToEditor, "{}")));
  EXPECT_EQ(counts().to_editor.frames.frames, 2u);
  EXPECT_EQ(recorder_.untapped, 0);
}

TEST_F(RelayTest, OfOneThatGoesOnAsItComesTheHandlerHasEveryByte) {
  recorder_.start = [](std::string_view begin) {
    return begin.empty() ? Passage::kUndecided : Passage::kCopied;
  };
  for (const std::size_t piece : {700, 20'000, 100'000}) {
    start(&recorder_);
    std::string body;
    for (int i = 0; body.size() < 3 * Relay::kLarge; ++i) body += std::to_string(i) + ',';
    const std::string stream = frame(body) + frame("{}") + frame(body) + frame(body);
    const std::size_t before = recorder_.seen().size();
    EXPECT_TRUE(carry(editor_, server_, stream, piece) == stream);
    const auto seen = recorder_.seen();
    ASSERT_EQ(seen.size(), before + 4) << piece;
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_TRUE(seen[before + i] == Said(kToServer, i == 1 ? "{}" : body)) << piece << " " << i;
  }
}

TEST_F(RelayTest, OneThatIsToBeWholeIsAskedAboutOnceAndMayBeReplaced) {
  std::atomic<int> asked = 0;
  std::promise<void> first;
  recorder_.start = [&asked, &first](std::string_view) {
    if (++asked == 1) first.set_value();
    return Passage::kWhole;
  };
  recorder_.decide = [](std::string_view) { return Verdict{Verdict::Fate::kReplace, "[]"}; };
  start(&recorder_);
  const std::string large = frame(std::string(Relay::kLarge, 'x'));
  ASSERT_TRUE(server_.write(large.substr(0, 30)));
  // What comes all at once has not begun.
  ASSERT_EQ(first.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(carry(server_, editor_, large.substr(30) + large, 700), frame("[]") + frame("[]"));
  EXPECT_LE(asked, 2);
}

TEST_F(RelayTest, ASmallMessageIsWaitedForWithoutAWord) {
  std::atomic<int> asked = 0;
  recorder_.start = [&asked](std::string_view) {
    ++asked;
    return Passage::kAsIs;
  };
  start(&recorder_);
  const std::string small = frame(std::string(Relay::kLarge - 1, 'x'));
  EXPECT_EQ(carry(server_, editor_, small, 1000), small);
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(recorder_.seen().size(), 1u);
}

TEST_F(RelayTest, JunkGoesThroughCounted) {
  start(&recorder_);
  const std::string stream = "Warning: \xff\n" + frame("{}") + "panic\n" + frame("[]");
  EXPECT_EQ(carry(server_, editor_, stream, 3), stream);
  EXPECT_THAT(recorder_.seen(), ElementsAre(Said(kToEditor, "{}"), Said(kToEditor, "[]")));
  EXPECT_EQ(counts().to_editor.frames.junk_bytes, 17u);
}

TEST_F(RelayTest, WhatACutStreamLeavesGoesThroughCounted) {
  for (const std::string rest :
       {"Content-Len", "Content-Length: 9\r\n\r\n", "Content-Length: 9\r\n\r\n{"}) {
    start(&recorder_);
    EXPECT_EQ(carry(editor_, server_, frame("{}") + rest, 4), frame("{}") + rest);
    EXPECT_EQ(counts().to_server.frames.truncated_bytes, rest.size());
    EXPECT_EQ(counts().to_server.bytes_out, counts().to_server.bytes_in);
  }
}

TEST_F(RelayTest, AnyBytesInAnyPiecesComeOutAsTheyWent) {
  std::mt19937 random(20);
  const std::vector<std::string> parts{frame("{\"id\":1}"),
                                       frame(""),
                                       "Content-Length: x\r\n\r\n",
                                       "Content-Length: -1\r\n\r\n",
                                       "\r\n\r\n",
                                       "junk",
                                       "Content-Length: 99999999999999999999\r\n\r\n",
                                       "Content-Type: a\r\n\r\n",
                                       std::string(1, '\0'),
                                       frame(std::string(70'000, 'y'))};
  for (int round = 0; round < 20; ++round) {
    std::string stream;
    for (int i = 0; i < 30; ++i) stream += parts[random() % parts.size()];
    start(&recorder_, round % 2 == 0 ? Wire::kPipe : Wire::kSocket);
    ASSERT_TRUE(carry(editor_, server_, stream, 1 + random() % 5000) == stream) << round;
    ASSERT_TRUE(carry(server_, editor_, stream, 1 + random() % 5000) == stream) << round;
  }
}

TEST_F(RelayTest, RecordedSessionsComeOutAsTheyWent) {
  for (const auto& file : support::session_files(STROP_TESTS_DIR)) {
    const auto session = support::read_session(file);
    const std::string asked = support::stream_of(session, true);
    const std::string told = support::stream_of(session, false);
    start(&recorder_);
    EXPECT_TRUE(carry(editor_, server_, asked, 4096) == asked) << file;
    EXPECT_TRUE(carry(server_, editor_, told, 4096) == told) << file;
    EXPECT_EQ(counts().to_server.frames.junk_bytes, 0u) << file;
  }
}

TEST_F(RelayTest, TheEditorsEndReachesTheServerAndNotTheOtherWay) {
  start(&recorder_);
  editor_.out.close();
  EXPECT_EQ(server_.read_all(), "");
  ASSERT_TRUE(server_.write(frame("{}")));  // what the server says in parting
  EXPECT_EQ(editor_.read(frame("{}").size()), frame("{}"));
}

TEST_F(RelayTest, TheServersEndReachesTheEditorBehindAllItSaid) {
  start(&recorder_);
  ASSERT_TRUE(server_.write(frame("{}")));
  server_.out.close();
  EXPECT_EQ(editor_.read_all(), frame("{}"));
  EXPECT_TRUE(relay_->wait_for_output(kPatience));
}

TEST_F(RelayTest, WhoWritesToAnEditorThatHasGoneIsTold) {
  for (const Wire kind : {Wire::kPipe, Wire::kSocket}) {
    start(&recorder_, kind);
    editor_.in.close();
    while (server_.write(frame("{}"))) {
    }
    EXPECT_EQ(errno, EPIPE);
    EXPECT_TRUE(relay_->wait_for_output(kPatience));
  }
}

TEST_F(RelayTest, WhoWritesToAServerThatHasGoneIsTold) {
  start(&recorder_);
  server_.in.close();
  while (editor_.write(frame("{}"))) {
  }
  EXPECT_EQ(errno, EPIPE);
}

TEST_F(RelayTest, EndingTheInputIsAsIfTheEditorHadEndedIt) {
  start(&recorder_);
  relay_->end_input();
  EXPECT_EQ(server_.read_all(), "");
  ASSERT_TRUE(server_.write(frame("{}")));
  EXPECT_EQ(editor_.read(frame("{}").size()), frame("{}"));
}

TEST_F(RelayTest, TellsHowMuchTheEditorSent) {
  start(&recorder_);
  EXPECT_EQ(relay_->bytes_from_editor(), 0u);
  ASSERT_TRUE(editor_.write(frame("{}")));
  EXPECT_EQ(server_.read(frame("{}").size()), frame("{}"));
  EXPECT_EQ(relay_->bytes_from_editor(), frame("{}").size());
}

}  // namespace
}  // namespace strop::agent
