#include "lsp/framing.h"

#include <algorithm>
#include <utility>

namespace strop::lsp {
namespace {

constexpr std::string_view kLengthName = "content-length";
constexpr std::string_view kTypeName = "content-type";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The characters of a field's name (RFC 9110, token).
bool is_token(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || is_digit(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

bool equals_ignoring_case(std::string_view text, std::string_view lowered) {
  return text.size() == lowered.size() && std::equal(text.begin(), text.end(), lowered.begin(),
                                                     [](char a, char b) { return lower(a) == b; });
}

enum class Match { kNone, kPartial, kWhole };

// Whether `text` begins with the field name and its colon, as far as it goes.
Match match_field(std::string_view text, std::string_view lowered) {
  const std::size_t length = std::min(text.size(), lowered.size());
  if (!equals_ignoring_case(text.substr(0, length), lowered.substr(0, length))) return Match::kNone;
  if (text.size() <= lowered.size()) return Match::kPartial;
  return text[lowered.size()] == ':' ? Match::kWhole : Match::kNone;
}

// A block may begin with Content-Length anywhere, with Content-Type only at the beginning of a
// line.
Match match_block(std::string_view text, bool at_line_start) {
  const Match length = match_field(text, kLengthName);
  if (length != Match::kNone || !at_line_start) return length;
  return match_field(text, kTypeName);
}

}  // namespace

void FrameReader::feed(std::string_view bytes) {
  char* const at = room(bytes.size());
  std::copy(bytes.begin(), bytes.end(), at);
  fed(bytes.size());
}

char* FrameReader::room(std::size_t bytes) {
  // Dropping only when at least half of the buffer goes keeps the whole linear.
  if (head_ > 0 && head_ >= end_ - head_) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(head_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= head_;
    for (std::size_t* offset : {&scan_, &block_, &line_, &body_})
      *offset -= std::min(*offset, head_);
    head_ = 0;
  }
  if (buffer_.size() - end_ < bytes) buffer_.resize(std::max(end_ + bytes, 2 * end_));
  return buffer_.data() + end_;
}

std::optional<Chunk> FrameReader::next() {
  for (;;) {
    switch (state_) {
      case State::kSeeking:
        if (seek()) break;
        return take(ChunkKind::kJunk, scan_);
      case State::kHeader:
        if (read_header()) break;
        return take(ChunkKind::kJunk, block_);
      case State::kBody: {
        if (head_ < block_) return take(ChunkKind::kJunk, block_);
        if (end_ - body_ < left_) return std::nullopt;
        const std::size_t end = body_ + static_cast<std::size_t>(left_);
        seek_from(end, true);
        return take(ChunkKind::kFrame, end);
      }
      case State::kStreaming: {
        if (head_ < block_) return take(ChunkKind::kJunk, block_);
        const std::size_t end =
            head_ + static_cast<std::size_t>(std::min<std::uint64_t>(left_, end_ - head_));
        left_ -= end - head_;
        if (left_ == 0) {
          if (piece_ == ChunkKind::kPart) ++counts_.frames;
          seek_from(end, true);
        }
        return take(piece_, end);
      }
    }
  }
}

std::optional<FrameReader::Begun> FrameReader::begun() const {
  if (state_ != State::kBody || head_ < block_) return std::nullopt;
  return Begun{text().substr(body_), static_cast<std::size_t>(left_)};
}

void FrameReader::stream() {
  state_ = State::kStreaming;
  piece_ = ChunkKind::kPart;
  left_ += body_ - block_;
}

void FrameReader::went_by(std::size_t bytes) {
  left_ -= bytes;
  (piece_ == ChunkKind::kPart ? counts_.frame_bytes : counts_.oversized_bytes) += bytes;
  if (left_ > 0) return;
  if (piece_ == ChunkKind::kPart) ++counts_.frames;
  seek_from(end_, true);
}

std::optional<Chunk> FrameReader::finish() {
  std::optional<Chunk> rest = take(ChunkKind::kTruncated, end_);
  seek_from(end_, true);
  return rest;
}

bool FrameReader::seek() {
  if (take_plain_block()) return true;
  for (; scan_ < end_; ++scan_) {
    const char c = buffer_[scan_];
    if (lower(c) == 'c') {
      const Match match = match_block(text().substr(scan_), at_line_start_);
      if (match == Match::kPartial) return false;
      if (match == Match::kWhole) {
        state_ = State::kHeader;
        block_ = scan_;
        length_.reset();
        begin_line(scan_);
        return true;
      }
    }
    at_line_start_ = c == '\n';
  }
  return false;
}

// The form in which nearly all headers are written, when it is all there; the same comes of reading
// it byte by byte.
bool FrameReader::take_plain_block() {
  constexpr std::string_view kStart = "Content-Length: ";
  constexpr std::string_view kEnd = "\r\n\r\n";
  std::string_view rest = text().substr(scan_);
  if (!rest.starts_with(kStart)) return false;
  rest.remove_prefix(kStart.size());
  std::uint64_t length = 0;
  std::size_t digits = 0;
  while (digits < rest.size() && is_digit(rest[digits]) && length <= limits_.max_length)
    length = length * 10 + static_cast<unsigned>(rest[digits++] - '0');
  const std::size_t whole = kStart.size() + digits + kEnd.size();
  if (digits == 0 || length > limits_.max_length || whole > limits_.max_header ||
      !rest.substr(digits).starts_with(kEnd))
    return false;
  block_ = scan_;
  scan_ += whole;
  length_ = length;
  begin_body();
  return true;
}

bool FrameReader::read_header() {
  for (;;) {
    switch (scan_line()) {
      case Line::kIncomplete:
        if (scan_ - block_ < limits_.max_header) return false;
        [[fallthrough]];
      case Line::kBad:
        // No header after all. A bad line may hold the beginning of the next one.
        if (line_ == block_)
          seek_from(block_ + 1, false);
        else
          seek_from(line_, true);
        return true;
      case Line::kBlank:
        if (length_)
          begin_body();
        else
          seek_from(scan_, true);
        return true;
      case Line::kField:
        if (is_length_) length_ = value_;
        begin_line(scan_);
        break;
    }
  }
}

FrameReader::Line FrameReader::scan_line() {
  // What is decided at a byte never depends on how many follow it in the buffer, except that a CR
  // waits for its LF: so the split of the input cannot matter.
  while (scan_ < end_ && scan_ - block_ < limits_.max_header) {
    const char c = buffer_[scan_];
    if (c == '\r' && scan_ + 1 == end_) return Line::kIncomplete;
    const bool ends = c == '\n' || (c == '\r' && buffer_[scan_ + 1] == '\n');
    if (ends) {
      const bool blank = scan_ == line_;
      scan_ += c == '\r' ? 2 : 1;
      if (blank) return Line::kBlank;
      const bool whole =
          in_value_ &&
          (!is_length_ || (digits_ != Digits::kBefore && value_ <= limits_.max_length));
      return whole ? Line::kField : Line::kBad;
    }
    if (!(in_value_ ? accept_value(c) : accept_name(c))) return Line::kBad;
    ++scan_;
  }
  return Line::kIncomplete;
}

bool FrameReader::accept_name(char c) {
  if (c != ':') return is_token(c);
  if (scan_ == line_) return false;
  in_value_ = true;
  is_length_ = equals_ignoring_case(text().substr(line_, scan_ - line_), kLengthName);
  return true;
}

bool FrameReader::accept_value(char c) {
  if (!is_length_) return !is_control(c);
  if (is_blank(c)) {
    if (digits_ == Digits::kWithin) digits_ = Digits::kAfter;
    return true;
  }
  if (!is_digit(c) || digits_ == Digits::kAfter) return false;
  digits_ = Digits::kWithin;
  // Stops growing above the limit, which refuses it at the line's end.
  if (value_ <= limits_.max_length) value_ = value_ * 10 + static_cast<unsigned>(c - '0');
  return true;
}

void FrameReader::begin_line(std::size_t at) {
  line_ = scan_ = at;
  in_value_ = is_length_ = false;
  digits_ = Digits::kBefore;
  value_ = 0;
}

void FrameReader::begin_body() {
  body_ = scan_;
  left_ = *length_;
  if (left_ <= limits_.max_frame) {
    state_ = State::kBody;
    return;
  }
  state_ = State::kStreaming;
  piece_ = ChunkKind::kOversized;
  left_ += body_ - block_;
  ++counts_.oversized_frames;
}

void FrameReader::seek_from(std::size_t offset, bool at_line_start) {
  state_ = State::kSeeking;
  scan_ = offset;
  at_line_start_ = at_line_start;
}

std::optional<Chunk> FrameReader::take(ChunkKind kind, std::size_t end) {
  if (end == head_) return std::nullopt;
  Chunk chunk{kind, text().substr(head_, end - head_), {}};
  const auto body = [&] {
    const std::size_t begin = std::min(std::max(head_, body_), end);
    return text().substr(begin, end - begin);
  };
  switch (kind) {
    case ChunkKind::kFrame:
      ++counts_.frames;
      [[fallthrough]];
    case ChunkKind::kPart:
      chunk.body = body();
      counts_.frame_bytes += chunk.bytes.size();
      break;
    case ChunkKind::kJunk:
      counts_.junk_bytes += chunk.bytes.size();
      break;
    case ChunkKind::kOversized:
      chunk.body = body();
      counts_.oversized_bytes += chunk.bytes.size();
      break;
    case ChunkKind::kTruncated:
      counts_.truncated_bytes += chunk.bytes.size();
      break;
  }
  head_ = end;
  return chunk;
}

std::string frame(std::string_view body) {
  std::string framed = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  framed += body;
  return framed;
}

}  // namespace strop::lsp
