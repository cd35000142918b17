// The agent's own completions: asks a model server what may stand at the cursor.
//
// Owns a thread with the connections; ask() and cancel() come from any thread and never wait. One
// request at a time is with a server, a few wait; when more come, the oldest gets an empty answer.
// What agrees with an answer given before is answered from there, without a pause or a request.
// Every ask is answered exactly once, up to stop(). A server that is not there, slow or wrong means
// an empty answer, a count, and one line in the log until it is well again. Nothing leaves before
// `permit` has agreed to it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/config.h"
#include "agent/provider/backend.h"
#include "agent/provider/inline_provider.h"

namespace strop::agent {

struct ProviderCounts {
  std::uint64_t asked = 0;
  std::uint64_t answered = 0;    // with a text
  std::uint64_t empty = 0;       // the model had nothing to say
  std::uint64_t refused = 0;     // by the privacy gate
  std::uint64_t cancelled = 0;   // by the editor
  std::uint64_t superseded = 0;  // by newer ones
  std::uint64_t failed = 0;      // no or no proper answer from the server
  std::uint64_t cache_hits = 0;  // with a text of an earlier answer, typed through
  std::uint64_t silent = 0;      // the model's texts were not worth showing
  bool operator==(const ProviderCounts&) const = default;
};

class Provider : public InlineProvider {
 public:
  static constexpr std::size_t kMaxWaiting = 8;

  // Says of whom a prompt is, and takes out of it what must not leave; false: nothing of it may.
  // Called on the provider's thread, for the prompt and for every part of another file that would
  // go along; and with no prompt on that of backend_of().
  using Permit = std::function<bool(InlineAsk&)>;

  // REQUIRES: at least one backend, as make_backends() has them.
  Provider(ProviderConfig config, std::vector<Backend> backends, Permit permit, InlineSink sink);
  ~Provider() override;  // stop()

  void ask(InlineAsk ask) override;
  bool cancel(std::string_view request_id) override;

  // Whom a request in this file goes to, if it may go. Any thread; throws what `permit` throws.
  const Backend& backend_of(std::string_view uri) const;

  // No answers after this.
  void stop();

  ProviderCounts counts() const;

 private:
  class Loop;
  struct Job;

  std::size_t backend_for(const InlineAsk& ask) const;
  std::shared_ptr<Job> take_next();
  // True: it was not answered before, and now it is.
  bool settle(const std::shared_ptr<Job>& job, std::uint64_t ProviderCounts::*count);

  const ProviderConfig config_;
  const std::vector<Backend> backends_;
  const Permit permit_;
  const InlineSink sink_;

  mutable std::mutex jobs_mutex_;
  // Guarded by jobs_mutex_.
  std::deque<std::shared_ptr<Job>> waiting_;
  std::shared_ptr<Job> current_;
  ProviderCounts counts_;

  std::unique_ptr<Loop> loop_;
};

}  // namespace strop::agent
