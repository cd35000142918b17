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
  kTruncated   // what was left when the stream ended
};

// Views into the reader: valid until its next call.
struct Chunk {
  ChunkKind kind = ChunkKind::kJunk;
  std::string_view bytes;  // exactly as fed, header included; never empty
  std::string_view body;   // of a frame; empty for all else
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

  // The next chunk, or nothing until more is fed.
  std::optional<Chunk> next();

  // The stream has ended: what is left, if anything. REQUIRES: next() gives nothing any more.
  // The reader then begins anew.
  std::optional<Chunk> finish();

  // Bytes fed and not handed on yet.
  std::size_t held() const { return buffer_.size() - head_; }

  const FrameCounts& counts() const { return counts_; }

 private:
  enum class State { kSeeking, kHeader, kBody, kStreaming };
  enum class LineFate { kIncomplete, kField, kBlank, kBad };

  bool step();         // one move of the automaton; false: it needs more bytes
  bool seek();         // kSeeking: to the next text that can begin a header block
  bool read_header();  // kHeader: line by line to the blank one
  void end_header();   // the blank line stands before scan_
  void abandon_header(std::size_t resume);  // not a header: junk up to `resume`, seek from there
  LineFate scan_line();
  bool accept_field();  // the line from line_ to scan_; false: a length that is none
  std::optional<Chunk> take(ChunkKind kind, std::size_t end, std::size_t body_begin);

  FrameLimits limits_;
  FrameCounts counts_;
  std::string buffer_;
  std::size_t head_ = 0;  // before it everything was handed on
  State state_ = State::kSeeking;
  // All below are offsets into buffer_, moved along when its front is dropped.
  std::size_t scan_ = 0;  // before it everything was looked at
  std::size_t line_ = 0;  // kHeader: begin of the current line; kSeeking: scan_'s line began here
  bool at_line_start_ = true;  // kSeeking: scan_ stands at the beginning of a line
  std::size_t block_ = 0;      // kHeader: begin of the block
  std::size_t junk_end_ = 0;   // bytes from head_ to here are known to be junk
  std::size_t body_ = 0;       // kBody: begin of the body
  std::uint64_t length_ = 0;   // kBody: of the body; kStreaming: bytes still to come
  bool has_length_ = false;    // kHeader: a Content-Length was read
};

// `body` as one frame, the way Strop writes its own messages.
std::string frame(std::string_view body);

}  // namespace strop::lsp
