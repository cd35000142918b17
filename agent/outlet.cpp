#include "agent/outlet.h"

namespace strop::agent {

Outlet::Result Outlet::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = stopping_ ? end_.write_now(bytes.data(), bytes.size())
                                  : end_.write(bytes.data(), bytes.size());
    if (put == InterruptibleEnd::kInterrupted) {
      stopping_ = true;
      continue;
    }
    if (put <= 0) return stopping_ ? Result::kStopped : Result::kClosed;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return Result::kWritten;
}

}  // namespace strop::agent
