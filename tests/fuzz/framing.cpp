// Framing: a stream gives the same chunks however it is split, and every byte of it once.
#include "lsp/framing.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <random>

#include "driver.h"

namespace {

using strop::fuzz::require;
using strop::lsp::Chunk;
using strop::lsp::ChunkKind;
using strop::lsp::FrameCounts;
using strop::lsp::FrameLimits;
using strop::lsp::FrameReader;

// What was read. Pieces of one kind that follow each other are one, since where a stream is split
// decides how junk comes in pieces; every frame stands alone.
struct Transcript {
  std::vector<std::pair<ChunkKind, std::string>> chunks;
  std::vector<std::string> bodies;
  std::string all_bodies;
  std::string joined;
  FrameCounts counts;

  void add(const Chunk& chunk) {
    require(!chunk.bytes.empty(), "no chunk is empty");
    joined += chunk.bytes;
    require(chunk.bytes.ends_with(chunk.body), "a body ends its chunk");
    if (chunk.kind == ChunkKind::kFrame)
      bodies.emplace_back(chunk.body);
    else
      require(chunk.body.empty() || chunk.kind == ChunkKind::kOversized ||
                  chunk.kind == ChunkKind::kPart,
              "only a frame has a body");
    if (chunk.kind == ChunkKind::kFrame || chunk.kind == ChunkKind::kPart) all_bodies += chunk.body;
    if (chunk.kind != ChunkKind::kFrame && !chunks.empty() && chunks.back().first == chunk.kind)
      chunks.back().second += chunk.bytes;
    else
      chunks.emplace_back(chunk.kind, chunk.bytes);
  }
};

// `size_of` gives the length of the next piece. `in_parts`: what has begun goes on as it comes.
template <class SizeOf>
Transcript read(std::string_view stream, const FrameLimits& limits, SizeOf size_of,
                bool in_parts = false) {
  FrameReader reader(limits);
  Transcript transcript;
  while (!stream.empty()) {
    const std::size_t size = std::min<std::size_t>(stream.size(), size_of());
    reader.feed(stream.substr(0, size));
    stream.remove_prefix(size);
    const auto take_all = [&] {
      while (const auto chunk = reader.next()) transcript.add(*chunk);
    };
    take_all();
    if (in_parts && reader.begun()) {
      reader.stream();
      take_all();
      require(reader.held() == 0, "of what goes on as it comes nothing is held");
    }
    require(reader.held() <= limits.max_header + limits.max_frame,
            "what is held is a frame at most");
  }
  if (const auto rest = reader.finish()) transcript.add(*rest);
  require(reader.held() == 0 && !reader.streaming(), "nothing is left at the end");
  transcript.counts = reader.counts();
  return transcript;
}

bool same(const FrameCounts& a, const FrameCounts& b) {
  return a.frames == b.frames && a.frame_bytes == b.frame_bytes &&
         a.oversized_frames == b.oversized_frames && a.oversized_bytes == b.oversized_bytes &&
         a.junk_bytes == b.junk_bytes && a.truncated_bytes == b.truncated_bytes;
}

// The last Content-Length of a header, read another way: by lines, from the end.
std::optional<std::size_t> length_in(std::string header) {
  std::transform(header.begin(), header.end(), header.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string name = "content-length:";
  for (std::size_t at = header.rfind(name); at != std::string::npos;
       at = at == 0 ? std::string::npos : header.rfind(name, at - 1)) {
    if (at != 0 && header[at - 1] != '\n') continue;  // within another field's value
    std::size_t digits = header.find_first_not_of(" \t", at + name.size());
    std::size_t length = 0;
    for (; digits < header.size() && std::isdigit(static_cast<unsigned char>(header[digits]));
         ++digits)
      length = length * 10 + static_cast<std::size_t>(header[digits] - '0');
    return length;
  }
  return std::nullopt;
}

void check_frames(const Transcript& transcript, const FrameLimits& limits) {
  auto body = transcript.bodies.begin();
  for (const auto& [kind, bytes] : transcript.chunks) {
    if (kind != ChunkKind::kFrame) continue;
    require(body->size() <= limits.max_frame, "a frame is within the limit");
    require(std::string_view(bytes).ends_with(*body), "a body ends its frame");
    const auto length = length_in(bytes.substr(0, bytes.size() - body->size()));
    require(length == body->size(), "a body is as long as its header says");
    const Transcript alone = read(bytes, limits, [&bytes = bytes] { return bytes.size(); });
    require(alone.bodies == std::vector{*body} && alone.joined == bytes &&
                alone.counts.frame_bytes == bytes.size(),
            "a frame alone is that frame");
    const std::string ours = strop::lsp::frame(*body);
    require(read(ours, limits, [&ours] { return ours.size(); }).bodies == std::vector{*body},
            "a body framed by us is read back");
    ++body;
  }
}

Transcript check(std::string_view stream, const FrameLimits& limits) {
  Transcript whole = read(stream, limits, [stream] { return stream.size(); });
  require(whole.joined == stream, "the chunks joined are the stream");
  const FrameCounts& counts = whole.counts;
  require(
      counts.frame_bytes + counts.oversized_bytes + counts.junk_bytes + counts.truncated_bytes ==
          stream.size(),
      "every byte is counted once");
  require(counts.frames == whole.bodies.size(), "every frame is counted");
  const auto expect_same = [&](const Transcript& split, std::string_view how) {
    require(split.chunks == whole.chunks && split.bodies == whole.bodies, how);
    require(same(split.counts, counts), "the counts do not depend on the split");
  };
  expect_same(read(stream, limits, [] { return 1; }), "byte by byte is as whole");
  const auto expect_in_parts = [&](const Transcript& split) {
    require(split.joined == stream, "the parts joined are the stream");
    require(split.all_bodies.starts_with(whole.all_bodies), "what goes in parts is the same");
    require(split.counts.frames == counts.frames, "a frame in parts is one");
  };
  expect_in_parts(read(
      stream, limits, [] { return 1; }, true));
  std::mt19937_64 random(strop::fuzz::hash_of(stream));
  for (const std::size_t longest : {3, 17, 200}) {
    expect_in_parts(read(
        stream, limits, [&] { return 1 + random() % longest; }, true));
    expect_same(read(stream, limits, [&] { return 1 + random() % longest; }),
                "in pieces is as whole");
  }
  check_frames(whole, limits);
  return whole;
}

std::uint64_t run(std::string_view stream) {
  check(stream, {});
  // Limits that small inputs reach.
  const Transcript tight = check(stream, {.max_frame = 48, .max_length = 2000, .max_header = 96});
  std::uint64_t shape = tight.chunks.size() < 4 ? tight.chunks.size() : 4;
  for (const auto& [kind, bytes] : tight.chunks) shape |= 16U << static_cast<unsigned>(kind);
  return shape;
}

}  // namespace

int main(int argc, char** argv) {
  return strop::fuzz::drive(
      {.run = run,
       .words = {"Content-Length: ", "content-length:", "Content-Type: ", "\r\n", "\r\n\r\n",
                 "\n\n", "Content-Length: 2\r\n\r\n{}", "Content-Length: 60\r\n\r\n",
                 "X-Other: v\r\n", "\r", "Content-Length: 0\r\n\r\n",
                 "Content-Length: 2001\r\n\r\n", "Content-"},
       .max_size = 2048},
      argc, argv);
}
