// Two ends of a connection in memory, for tests: what one end writes, the other reads.
//
// The ends share the pipes; each may outlive the other. Every call is safe from any thread, but an
// end's receive() wants one caller at a time. Sizes are bytes, waits milliseconds; a full pipe
// makes its writer wait. No errors: false or nothing means closed, or the wait ran out.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lsp/framing.h"

namespace strop::lsp {

class Pipe;

class Channel {
 public:
  static constexpr std::chrono::milliseconds kPatience{10'000};

  // Each direction holds at most `capacity` bytes.
  static std::pair<Channel, Channel> pair(std::size_t capacity = 1u << 20);

  Channel(Channel&&) noexcept;
  Channel& operator=(Channel&&) noexcept;
  ~Channel();  // closes

  // Raw bytes, in any pieces. False: closed, or no room came in time (part may have been written).
  bool write(std::string_view bytes, std::chrono::milliseconds patience = kPatience);
  // Whatever is there, at least a byte. Nothing: closed and drained, or none came in time.
  std::optional<std::string> read(std::chrono::milliseconds patience = kPatience);

  // One message, framed.
  bool send(std::string_view body, std::chrono::milliseconds patience = kPatience);
  // The body of the next frame; bytes outside of frames are passed over.
  std::optional<std::string> receive(std::chrono::milliseconds patience = kPatience);

  // Both directions: the other end reads what is left and then the end.
  void close();

 private:
  Channel(std::shared_ptr<Pipe> incoming, std::shared_ptr<Pipe> outgoing);

  std::shared_ptr<Pipe> incoming_;
  std::shared_ptr<Pipe> outgoing_;
  FrameReader reader_;
};

}  // namespace strop::lsp
