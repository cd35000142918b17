// Cuts a stream of bytes into LSP frames without losing, adding or changing one of them.
//
// Owns a buffer of at most one frame (up to the limit) plus what was fed last. One thread at a
// time. Sizes are bytes. No errors: bytes that are no frame are handed on as such, so that the
// chunks of a reader, joined, are always exactly what it was fed. The frames found depend on the
// bytes alone, not on how they were split. Time is linear in the bytes.
//
// What is a frame: header lines, a blank line, then as many bytes as Content-Length says. Header
// names in any case and order, lines ended by CR LF or LF, fields of other names taken along, the
// last of several lengths counts (as clients and servers do it). A header block begins with
// Content-Length or Content-Type; what stands before it, also on the same line, is junk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strop::lsp {

enum class ChunkKind {
  kFrame,      // one whole frame
  kJunk,       // bytes outside of any frame
  kOversized,  // a piece of a frame above the limit, header included
  kTruncated,  // what was left when the stream ended
  kPart        // a piece of a frame that stream() lets go on before it is whole, header included
};

// Views into the reader: valid until more is fed. Those given in between stand behind one another.
struct Chunk {
  ChunkKind kind = ChunkKind::kJunk;
  std::string_view bytes;  // exactly as fed, header included; never empty
  std::string_view body;   // what of `bytes` is a frame's body; empty for all that is no frame
  bool operator==(const Chunk&) const = default;
};

struct FrameLimits {
  std::size_t max_frame = 4u << 20;   // a longer body streams through as kOversized
  std::size_t max_length = 1u << 30;  // a Content-Length above this is not believed: junk
  std::size_t max_header = 8u << 10;  // a header block that has no end by then is junk
};

struct FrameCounts {
  std::uint64_t frames = 0;
  std::uint64_t frame_bytes = 0;  // headers included
  std::uint64_t oversized_frames = 0;
  std::uint64_t oversized_bytes = 0;
  std::uint64_t junk_bytes = 0;
  std::uint64_t truncated_bytes = 0;
};

class FrameReader {
 public:
  explicit FrameReader(FrameLimits limits = {}) : limits_(limits) {}

  // Takes the next bytes of the stream. Drain with next() before feeding again, or they pile up.
  void feed(std::string_view bytes);

  // The same without a copy: room for so many bytes to read into, then how many of them came.
  char* room(std::size_t bytes);
  void fed(std::size_t bytes) { end_ += bytes; }

  // The next chunk, or nothing until more is fed.
  std::optional<Chunk> next();

  // The stream has ended: what is left, if anything. REQUIRES: next() gives nothing any more.
  // The reader then begins anew.
  std::optional<Chunk> finish();

  // A frame of which a part is still to come, when next() gives nothing: its body up to now, and
  // how long that will be.
  struct Begun {
    std::string_view start;
    std::size_t whole = 0;
  };
  std::optional<Begun> begun() const;
  // That frame need not be whole: next() gives it in pieces as they come. REQUIRES: begun().
  void stream();

  // Bytes fed and not handed on yet.
  std::size_t held() const { return end_ - head_; }

  // Within a frame that goes in pieces: what next() gives next belongs to it still.
  bool streaming() const { return state_ == State::kStreaming; }

  // How much of that frame is still to be fed.
  std::size_t to_come() const { return streaming() ? static_cast<std::size_t>(left_) : 0; }
  // So many bytes of it went another way. REQUIRES: nothing is held, and no more than to_come().
  void went_by(std::size_t bytes);

  const FrameCounts& counts() const { return counts_; }

 private:
  enum class State {
    kSeeking,   // scan_ is where to look on for a header block
    kHeader,    // in the block that began at block_, in the line that began at line_
    kBody,      // the header is whole; waiting for left_ bytes of body, from body_
    kStreaming  // a frame in pieces: left_ of its bytes are still to be handed on
  };
  enum class Line { kIncomplete, kField, kBlank, kBad };

  bool seek();  // true: a block begins
  bool take_plain_block();
  bool read_header();  // true: the state changed
  Line scan_line();
  bool accept_name(char c);
  bool accept_value(char c);
  void begin_line(std::size_t at);
  void begin_body();
  void seek_from(std::size_t offset, bool at_line_start);
  std::optional<Chunk> take(ChunkKind kind, std::size_t end);

  std::string_view text() const { return {buffer_.data(), end_}; }

  FrameLimits limits_;
  FrameCounts counts_;
  std::string buffer_;  // up to end_; behind it is room
  State state_ = State::kSeeking;

  // Offsets into buffer_. They move along when room() drops what lies before head_.
  std::size_t end_ = 0;   // of what was fed
  std::size_t head_ = 0;  // before it everything was handed on
  std::size_t scan_ = 0;  // before it everything was looked at
  std::size_t block_ = 0;
  std::size_t line_ = 0;
  std::size_t body_ = 0;
  std::uint64_t left_ = 0;
  ChunkKind piece_ = ChunkKind::kOversized;  // kStreaming: what its pieces are

  bool at_line_start_ = true;            // kSeeking: scan_ stands at the beginning of a line
  std::optional<std::uint64_t> length_;  // kHeader: of the last Content-Length in the block

  // kHeader: of the current line.
  bool in_value_ = false;
  bool is_length_ = false;
  enum class Digits { kBefore, kWithin, kAfter } digits_ = Digits::kBefore;
  std::uint64_t value_ = 0;
};

// `body` as one frame, the way Strop writes its own messages.
std::string frame(std::string_view body);

}  // namespace strop::lsp
