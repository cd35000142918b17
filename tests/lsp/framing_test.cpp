#include "lsp/framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <random>
#include <vector>

namespace strop::lsp {
namespace {

// What a reader makes of a stream, as text: f{body}, j{junk}, o{oversized}, t{truncated}. Pieces of
// one kind that follow each other are one (but every frame stands alone), so that it does not
// depend on where the stream was split.
struct Transcript {
  std::string text;
  std::string joined;  // the bytes of all chunks

  void add(const Chunk& chunk) {
    static constexpr std::array<char, 4> kLetters = {'f', 'j', 'o', 't'};
    const char letter = kLetters[static_cast<std::size_t>(chunk.kind)];
    joined += chunk.bytes;
    if (letter != 'f' && last == letter)
      text.pop_back();
    else
      text += std::string(1, letter) + '{';
    text += std::string(letter == 'f' ? chunk.body : chunk.bytes) + '}';
    last = letter;
  }

  char last = 0;
};

Transcript read(FrameReader& reader, const std::vector<std::string_view>& pieces) {
  Transcript transcript;
  for (const std::string_view piece : pieces) {
    reader.feed(piece);
    while (const auto chunk = reader.next()) transcript.add(*chunk);
  }
  if (const auto rest = reader.finish()) transcript.add(*rest);
  return transcript;
}

std::vector<std::string_view> bytewise(std::string_view stream) {
  std::vector<std::string_view> pieces;
  for (std::size_t at = 0; at < stream.size(); ++at) pieces.push_back(stream.substr(at, 1));
  return pieces;
}

std::vector<std::string_view> split(std::string_view stream, std::mt19937& random) {
  std::vector<std::string_view> pieces;
  std::size_t longest = std::size_t{1} << (random() % 8);
  while (!stream.empty()) {
    const std::size_t length = std::min(stream.size(), random() % longest + 1);
    pieces.push_back(stream.substr(0, length));
    stream.remove_prefix(length);
  }
  return pieces;
}

// Reads the stream whole, byte by byte and in random pieces; all must come to the same.
std::string transcript_of(std::string_view stream, FrameLimits limits = {}) {
  FrameReader whole_reader(limits);
  const Transcript whole = read(whole_reader, {stream});
  EXPECT_EQ(whole.joined, stream);
  std::mt19937 random(42);
  for (int round = 0; round <= 20; ++round) {
    FrameReader reader(limits);
    const auto pieces = round == 0 ? bytewise(stream) : split(stream, random);
    const Transcript again = read(reader, pieces);
    EXPECT_EQ(again.text, whole.text) << "split " << round << " of " << stream;
    EXPECT_EQ(again.joined, stream);
    EXPECT_EQ(reader.counts().frames, whole_reader.counts().frames);
    EXPECT_EQ(reader.counts().junk_bytes, whole_reader.counts().junk_bytes);
  }
  return whole.text;
}

struct Case {
  const char* name;
  std::string stream;
  std::string transcript;
};

class Framing : public testing::TestWithParam<Case> {};

TEST_P(Framing, MakesTheSameOfEverySplit) {
  EXPECT_EQ(transcript_of(GetParam().stream), GetParam().transcript);
}

INSTANTIATE_TEST_SUITE_P(
    Accepted, Framing,
    testing::Values(
        Case{"Nothing", "", ""},  //
        Case{"One", "Content-Length: 2\r\n\r\n{}", "f{{}}"},
        Case{"Two", "Content-Length: 2\r\n\r\n{}Content-Length: 3\r\n\r\n[1]", "f{{}}f{[1]}"},
        Case{"EmptyBody", "Content-Length: 0\r\n\r\nContent-Length: 2\r\n\r\n{}", "f{}f{{}}"},
        Case{"LowerCase", "content-length: 2\r\n\r\n{}", "f{{}}"},
        Case{"UpperCase", "CONTENT-LENGTH: 2\r\n\r\n{}", "f{{}}"},
        Case{"NoSpace", "Content-Length:2\r\n\r\n{}", "f{{}}"},
        Case{"ManySpaces", "Content-Length: \t 2 \t\r\n\r\n{}", "f{{}}"},
        Case{"LeadingZeros", "Content-Length: 0002\r\n\r\n{}", "f{{}}"},
        Case{"LineFeedsAlone", "Content-Length: 2\n\n{}", "f{{}}"},
        Case{"TypeAfter",
             "Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; "
             "charset=utf-8\r\n\r\n{}",
             "f{{}}"},
        Case{"TypeBefore", "content-TYPE: a/b\r\nContent-Length: 2\r\n\r\n{}", "f{{}}"},
        Case{"OtherFieldsAfter", "Content-Length: 2\r\nX-Trace: 1\r\nEmpty:\r\n\r\n{}", "f{{}}"},
        Case{"SameLengthTwice", "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "f{{}}"},
        Case{"LastLengthCounts", "Content-Length: 9\r\nContent-Length: 2\r\n\r\n{}", "f{{}}"},
        Case{"HeaderInABody",
             "Content-Length: 25\r\n\r\nContent-Length: 2\r\n\r\n{}xxContent-Length: 1\r\n\r\n1",
             "f{Content-Length: 2\r\n\r\n{}xx}f{1}"},
        Case{"BytesOfEveryKindInABody", std::string("Content-Length: 4\r\n\r\n\0\xff\r\n", 25),
             std::string("f{\0\xff\r\n}", 7)}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Hostile, Framing,
    testing::Values(
        Case{"JunkLines", "Starting server\nListening\r\nContent-Length: 2\r\n\r\n{}",
             "j{Starting server\nListening\r\n}f{{}}"},
        Case{"JunkOnTheSameLine", "warning: Content-Length: 2\r\n\r\n{}", "j{warning: }f{{}}"},
        Case{"BodyLongerThanItsLength", "Content-Length: 2\r\n\r\n{} }Content-Length: 2\r\n\r\n[]",
             "f{{}}j{ }}f{[]}"},
        Case{"BodyShorterThanItsLength",
             "Content-Length: 4\r\n\r\n{}Content-Length: 2\r\n\r\n[]Content-Length: 1\r\n\r\n1",
             "f{{}Co}j{ntent-Length: 2\r\n\r\n[]}f{1}"},
        Case{"OtherFieldFirst", "X-Trace: 1\r\nContent-Length: 2\r\n\r\n{}",
             "j{X-Trace: 1\r\n}f{{}}"},
        Case{"NoLength", "Content-Type: a\r\n\r\n{}Content-Length: 2\r\n\r\n[]",
             "j{Content-Type: a\r\n\r\n{}}f{[]}"},
        Case{"NoNumber", "Content-Length: two\r\n\r\n{}Content-Length: 2\r\n\r\n[]",
             "j{Content-Length: two\r\n\r\n{}}f{[]}"},
        Case{"EmptyNumber", "Content-Length:\r\n\r\n{}", "j{Content-Length:\r\n\r\n{}}"},
        Case{"NegativeNumber", "Content-Length: -2\r\n\r\n{}", "j{Content-Length: -2\r\n\r\n{}}"},
        Case{"SignedNumber", "Content-Length: +2\r\n\r\n{}", "j{Content-Length: +2\r\n\r\n{}}"},
        Case{"FractionalNumber", "Content-Length: 2.0\r\n\r\n{}",
             "j{Content-Length: 2.0\r\n\r\n{}}"},
        Case{"HexNumber", "Content-Length: 0x2\r\n\r\n{}", "j{Content-Length: 0x2\r\n\r\n{}}"},
        Case{"TwoNumbers", "Content-Length: 2 2\r\n\r\n{}", "j{Content-Length: 2 2\r\n\r\n{}}"},
        Case{"HugeNumber", "Content-Length: 1073741825\r\n\r\n{}Content-Length: 2\r\n\r\n[]",
             "j{Content-Length: 1073741825\r\n\r\n{}}f{[]}"},
        Case{"OverflowingNumber",
             "Content-Length: 18446744073709551618\r\n\r\n{}Content-Length: 2\r\n\r\n[]",
             "j{Content-Length: 18446744073709551618\r\n\r\n{}}f{[]}"},
        Case{"SpaceBeforeColon", "Content-Length : 2\r\n\r\n{}", "j{Content-Length : 2\r\n\r\n{}}"},
        Case{"SecondLengthBad", "Content-Length: 2\r\nContent-Length: x\r\n\r\n{}",
             "j{Content-Length: 2\r\nContent-Length: x\r\n\r\n{}}"},
        Case{"JunkWithinAHeader",
             "Content-Length: 9\r\noh no, it died\r\nContent-Length: 2\r\n\r\n{}",
             "j{Content-Length: 9\r\noh no, it died\r\n}f{{}}"},
        // What follows a header cut short is a field of another name, as it is for the other side.
        Case{"HeaderAfterAHeaderCutShort",
             "Content-Length: 2\r\nConContent-Length: 9\r\n\r\n{}Content-Length: 2\r\n\r\n[]",
             "f{{}}f{[]}"},
        Case{"HeaderAfterANumberCutShort", "Content-Length: 9Content-Length: 2\r\n\r\n{}",
             "j{Content-Length: 9}f{{}}"},
        Case{"BodyAtOnceAfterTheNumber",
             "Content-Length: 2\r\n{\"a\":\"Content-Length: 1\"}\nContent-Length: 2\r\n\r\n{}",
             "j{Content-Length: 2\r\n{\"a\":\"Content-Length: 1\"}\n}f{{}}"},
        Case{"CarriageReturnsAlone", "Content-Length: 2\r\r{}", "j{Content-Length: 2\r\r{}}"},
        Case{"ControlByteInAField",
             std::string("Content-Length: 2\r\nX: \0\r\n\r\n{}Content-Length: 2\r\n\r\n[]", 52),
             std::string("j{Content-Length: 2\r\nX: \0\r\n\r\n{}}f{[]}", 37)},
        Case{"ColonFirst", "Content-Length: 2\r\n: 3\r\n\r\n{}",
             "j{Content-Length: 2\r\n: 3\r\n\r\n{}}"},
        Case{"NamesRepeated", "Content-Length: Content-Length: Content-Length: 2\r\n\r\n{}",
             "j{Content-Length: Content-Length: }f{{}}"},
        Case{"TypeWithinALine", "see Content-Type: x\nContent-Length: 2\r\n\r\n{}",
             "j{see Content-Type: x\n}f{{}}"},
        Case{"NoBytesOfText", std::string("\0\0\xff\xfe", 4), std::string("j{\0\0\xff\xfe}", 7)}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    CutShort, Framing,
    testing::Values(Case{"InTheName", "Content-Le", "t{Content-Le}"},
                    Case{"InTheHeader", "Content-Length: 2\r", "t{Content-Length: 2\r}"},
                    Case{"BeforeTheBody", "Content-Length: 2\r\n\r\n",
                         "t{Content-Length: 2\r\n\r\n}"},
                    Case{"InTheBody", "Content-Length: 2\r\n\r\n{}Content-Length: 2\r\n\r\n{",
                         "f{{}}t{Content-Length: 2\r\n\r\n{}"},
                    Case{"AfterJunk", "abcContent", "j{abc}t{Content}"}),
    [](const auto& test) { return test.param.name; });

TEST(Framing, AFrameHasItsExactBytes) {
  FrameReader reader;
  const std::string stream = "junk\r\ncontent-TYPE: x\nCONTENT-length:2\r\n\n{}";
  reader.feed(stream);
  EXPECT_EQ(reader.next()->bytes, "junk\r\n");
  const auto frame = reader.next();
  EXPECT_EQ(frame->bytes, "content-TYPE: x\nCONTENT-length:2\r\n\n{}");
  EXPECT_EQ(frame->body, "{}");
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.counts().frame_bytes + reader.counts().junk_bytes, stream.size());
}

TEST(Framing, JunkIsNotHeldBackUnlessItMayBeginAHeader) {
  FrameReader reader;
  reader.feed("> ");
  EXPECT_EQ(reader.next()->bytes, "> ");
  reader.feed("INFO: started conten");
  EXPECT_EQ(reader.next()->bytes, "INFO: started ");
  EXPECT_EQ(reader.held(), std::string_view("conten").size());
  reader.feed("ted");
  EXPECT_EQ(reader.next()->bytes, "contented");
  EXPECT_EQ(reader.held(), 0u);
}

TEST(Framing, AnOversizedFrameStreamsThroughAsItComes) {
  FrameReader reader({.max_frame = 10, .max_length = 1000, .max_header = 100});
  reader.feed("Content-Length: 11\r\n\r\nabc");
  EXPECT_EQ(reader.next()->kind, ChunkKind::kOversized);
  EXPECT_EQ(reader.held(), 0u);
  reader.feed("defg");
  EXPECT_EQ(reader.next()->bytes, "defg");
  EXPECT_EQ(reader.next(), std::nullopt);
  reader.feed("hijkContent-Length: 10\r\n\r\n0123456789");
  EXPECT_EQ(reader.next()->bytes, "hijk");
  EXPECT_EQ(reader.next()->body, "0123456789");
  EXPECT_EQ(reader.counts().oversized_frames, 1u);
  EXPECT_EQ(reader.counts().oversized_bytes, 33u);
}

TEST(Framing, AFrameThatHasBegunGoesOnInPiecesWhenItMay) {
  FrameReader reader;
  reader.feed("!Content-Length: 7\r\n\r\nab");
  EXPECT_EQ(reader.next()->bytes, "!");
  EXPECT_EQ(reader.next(), std::nullopt);
  ASSERT_TRUE(reader.begun());
  EXPECT_EQ(reader.begun()->start, "ab");
  EXPECT_EQ(reader.begun()->whole, 7u);
  reader.stream();
  EXPECT_EQ(*reader.next(), (Chunk{ChunkKind::kPart, "Content-Length: 7\r\n\r\nab", "ab"}));
  EXPECT_TRUE(reader.streaming());
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_FALSE(reader.begun());
  reader.feed("cdefgContent-Length: 1\r\n\r\nz");
  EXPECT_EQ(*reader.next(), (Chunk{ChunkKind::kPart, "cdefg", "cdefg"}));
  EXPECT_FALSE(reader.streaming());
  EXPECT_EQ(reader.next()->body, "z");
  EXPECT_EQ(reader.counts().frames, 2u);
  EXPECT_EQ(reader.counts().frame_bytes, 28u + 22u);
}

TEST(Framing, AFrameInPiecesMayBeginWithItsHeaderAloneAndBeCut) {
  FrameReader reader;
  reader.feed("Content-Length: 7\r\n\r\n");
  EXPECT_EQ(reader.next(), std::nullopt);
  ASSERT_TRUE(reader.begun());
  EXPECT_EQ(reader.begun()->start, "");
  reader.stream();
  EXPECT_EQ(*reader.next(), (Chunk{ChunkKind::kPart, "Content-Length: 7\r\n\r\n", ""}));
  reader.feed("abc");
  EXPECT_EQ(reader.next()->body, "abc");
  EXPECT_EQ(reader.finish(), std::nullopt);
  EXPECT_EQ(reader.counts().frames, 0u);
  EXPECT_EQ(reader.counts().frame_bytes, 24u);
}

TEST(Framing, WhatOfAStreamingFrameWentAnotherWayIsCountedAndPassedOver) {
  FrameReader reader({.max_frame = 10, .max_length = 1000, .max_header = 100});
  reader.feed("Content-Length: 9\r\n\r\nab");
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.to_come(), 0u);
  reader.stream();
  EXPECT_EQ(reader.next()->body, "ab");
  EXPECT_EQ(reader.to_come(), 7u);
  reader.went_by(3);
  EXPECT_TRUE(reader.streaming());
  reader.went_by(4);
  EXPECT_FALSE(reader.streaming());
  reader.feed("Content-Length: 11\r\n\r\nc");
  EXPECT_EQ(reader.next()->kind, ChunkKind::kOversized);
  reader.went_by(10);
  reader.feed("Content-Length: 1\r\n\r\nz");
  EXPECT_EQ(reader.next()->body, "z");
  EXPECT_EQ(reader.counts().frames, 2u);
  EXPECT_EQ(reader.counts().frame_bytes, 30u + 22u);
  EXPECT_EQ(reader.counts().oversized_bytes, 33u);
}

TEST(Framing, LimitsHoldForEverySplit) {
  const FrameLimits limits{.max_frame = 10, .max_length = 20, .max_header = 60};
  EXPECT_EQ(
      transcript_of("!Content-Length: 11\r\n\r\nContent-LenContent-Length: 1\r\n\r\n1", limits),
      "j{!}o{Content-Length: 11\r\n\r\nContent-Len}f{1}");
  EXPECT_EQ(transcript_of("Content-Length: 15\r\n\r\n{}", limits),
            "o{Content-Length: 15\r\n\r\n{}}");
  EXPECT_EQ(transcript_of("Content-Length: 21\r\n\r\nContent-Length: 1\r\n\r\n1", limits),
            "j{Content-Length: 21\r\n\r\n}f{1}");
  const std::string long_field = "X: " + std::string(60, 'x') + "\r\n";
  EXPECT_EQ(
      transcript_of("Content-Length: 1\r\n" + long_field + "Content-Length: 2\r\n\r\n22", limits),
      "j{Content-Length: 1\r\n" + long_field + "}f{22}");
  std::string fields;
  for (int i = 0; i < 40; ++i) fields += "Content-Type: x\r\n";
  // Too long a block as a whole; the last of its fields, on their own, are one that is not.
  EXPECT_THAT(transcript_of(fields + "Content-Length: 1\r\n\r\n1", limits),
              testing::AllOf(testing::StartsWith("j{Content-Type: x\r\n"),
                             testing::EndsWith("Content-Type: x\r\n}f{1}")));
  const std::string endless = "Content-Length: " + std::string(100, ' ');
  EXPECT_EQ(transcript_of(endless + "1\r\n\r\n1", limits), "j{" + endless + "1\r\n\r\n1}");
}

TEST(Framing, AReaderBeginsAnewAfterTheEnd) {
  FrameReader reader;
  reader.feed("Content-Length: 5\r\n\r\n{");
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.finish()->kind, ChunkKind::kTruncated);
  EXPECT_EQ(reader.finish(), std::nullopt);
  reader.feed("Content-Length: 2\r\n\r\n{}");
  EXPECT_EQ(reader.next()->body, "{}");
}

TEST(Framing, WhatWeFrameIsRead) {
  for (const std::string body : {"", "{}", "\xf0\x9f\x98\x80"})
    EXPECT_EQ(transcript_of(frame(body)), "f{" + body + "}");
  EXPECT_EQ(frame("{}"), "Content-Length: 2\r\n\r\n{}");
}

// A stream of frames, junk, near misses and frames above the limits, in random order.
std::string random_stream(std::mt19937& random) {
  static const std::vector<std::string> kPieces = {"Content-Length: ",
                                                   "content-length:",
                                                   "Content-Type: x\r\n",
                                                   "5",
                                                   "\r\n\r\n",
                                                   "\r\n",
                                                   "\n",
                                                   "\r",
                                                   "hello",
                                                   "{}",
                                                   "C",
                                                   "12",
                                                   "Content-",
                                                   "X-Y: z\r\n",
                                                   "Content-Length: 3",
                                                   "999",
                                                   ":",
                                                   " "};
  std::string stream;
  for (std::size_t left = random() % 30; left > 0; --left) {
    if (random() % 3 == 0)
      stream += frame(std::string(random() % 40, 'b'));
    else
      stream += kPieces[random() % kPieces.size()];
  }
  return stream;
}

TEST(Framing, RandomStreamsComeOutTheSameForEverySplit) {
  std::mt19937 random(7);
  const FrameLimits limits{.max_frame = 30, .max_length = 100, .max_header = 50};
  for (int round = 0; round < 400; ++round) {
    const std::string stream = random_stream(random);
    transcript_of(stream);
    transcript_of(stream, limits);
  }
}

// Hostile streams of a megabyte, byte by byte: anything quadratic would take hours.
TEST(Framing, TimeIsLinear) {
  const auto began = std::chrono::steady_clock::now();
  const std::string line = "Content-Length: 1\r\n";
  for (const std::string& unit :
       {std::string("Content-Length: "), line, std::string("Content-Type: "),
        std::string("Content-Type: x\r\n"), std::string("C"), std::string(" "),
        line + "X: " + std::string(9000, 'x'), frame(std::string(500'000, '{'))}) {
    std::string stream;
    while (stream.size() < 1'000'000) stream += unit;
    FrameReader reader;
    std::size_t bytes = 0;
    for (const char c : stream) {
      reader.feed({&c, 1});
      while (const auto chunk = reader.next()) bytes += chunk->bytes.size();
    }
    if (const auto rest = reader.finish()) bytes += rest->bytes.size();
    EXPECT_EQ(bytes, stream.size());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(60));
}

}  // namespace
}  // namespace strop::lsp
