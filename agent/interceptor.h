// What happens to each message on its way: copied to the tap if capture reads such messages
// (agent/followed_methods.h), changed as agent/rewrite.h lists, answered by the agent itself, or
// simply let through.
//
// Owns the tables of requests; clock, tap, provider and control outlive it. Two threads call
// on_message, one a direction; deliver() comes from the provider's, answers from control's. What
// they share is guarded by session_mutex_, never held over I/O. A fault of any kind lets the
// original through and is counted. Tables are bounded: once requests without an answer have filled
// one, all answers are copied; what registrations there is no room for is counted, their commands
// are nobody's to wrap, and once one of inline completion is among them the server's own wins.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/clock.h"
#include "agent/control_desk.h"
#include "agent/provider/editor_documents.h"
#include "agent/provider/inline_provider.h"
#include "agent/relay.h"
#include "agent/rewrite.h"
#include "agent/tap.h"
#include "lsp/message.h"
#include "lsp/pending.h"

namespace strop::agent {

struct InterceptorOptions {
  std::string accept_command;  // empty: nothing is wrapped
  bool provider_first = false;
  AskRules ask;
};

struct InterceptorCounts {
  std::atomic<std::uint64_t> announced{0};
  std::atomic<std::uint64_t> wrapped{0};       // answers with an item wrapped
  std::atomic<std::uint64_t> accepts{0};       // executeCommand of ours
  std::atomic<std::uint64_t> asked{0};         // requests that went to the provider
  std::atomic<std::uint64_t> cancelled{0};     // of those
  std::atomic<std::uint64_t> no_context{0};    // requests about a text that cannot be told
  std::atomic<std::uint64_t> undelivered{0};   // answers that the editor had no room for
  std::atomic<std::uint64_t> own_requests{0};  // strop/…, answered
  std::atomic<std::uint64_t> own_unknown{0};   // notifications strop/… of no kind known
  std::atomic<std::uint64_t> unwrapped{0};     // items that came back
  std::atomic<std::uint64_t> displaced{0};     // requests whose answers are no longer known
  std::atomic<std::uint64_t> unrecorded{0};    // registrations that there was no room for
  std::atomic<std::uint64_t> faults{0};        // exceptions; the original went on
};

class Interceptor : public MessageHandler {
 public:
  using Inject = std::function<bool(std::string frame)>;
  using EditorProcess = std::function<void(long long process_id)>;

  // `tap`, `provider`: nullptr where there is none.
  Interceptor(InterceptorOptions options, Clock& clock, Tap* tap);

  // Before the relay starts.
  void set_provider(InlineProvider* provider) { provider_ = provider; }
  void set_control(ControlDesk* control) { control_ = control; }
  void set_inject(Inject inject) { inject_ = std::move(inject); }
  void set_on_editor_process(EditorProcess call) { on_editor_process_ = std::move(call); }

  Verdict on_message(Direction direction, std::string_view body) override;
  Passage on_start(Direction direction, std::string_view start, std::size_t whole) override;
  void on_part(Direction direction, std::string_view part, bool last) override;
  void on_untapped(Direction direction, std::string_view start) override;
  void on_forwarded(Direction direction) override;

  // The provider's answer: to the tap, then to the editor.
  void deliver(const InlineAnswer& answer);

  const InterceptorCounts& counts() const { return counts_; }

 private:
  enum class Awaited { kInitialize, kInline, kFollowed };
  // The sender's own, for each direction.
  struct Lane {
    bool tapped = false;  // since the reader of the tap was last woken
    TapItem growing;      // a message that goes on as it comes
  };
  struct Registration {
    std::vector<std::string> commands;
    bool inline_completion = false;
    bool carries_accept = false;
  };

  Verdict from_client(std::string_view body);
  Verdict from_server(std::string_view body);
  Verdict on_clock(std::string_view body);
  Verdict on_own(std::string_view body, const lsp::Peeked& message);
  Verdict on_accept(std::string_view body, const lsp::Peeked& message);
  Verdict on_inline_request(std::string_view body, const lsp::Peeked& message);
  Verdict on_cancel(std::string_view body);
  Verdict on_answer(std::string_view body, const lsp::Peeked& message);
  void on_client_answer(std::string_view body, const lsp::Peeked& message);
  Verdict on_initialize_answer(std::string_view body);
  Verdict on_registration(std::string_view body);
  void on_unregistration(std::string_view body);
  // False: there is no room. With session_mutex_ held.
  bool record(const Registered& registered);

  Passage start_from_client(const lsp::Glanced& message) const;
  Passage start_from_server(const lsp::Glanced& message) const;
  void forget_answered(std::string_view start);
  Passage started(Direction direction, std::string_view start) const;
  void await(lsp::PendingRequests<Awaited>& table, const lsp::Peeked& request, Awaited what);
  void copy_to_tap(Direction direction, std::string_view body);
  // The same on the direction's own thread, which wakes the tap's reader when the message is gone.
  void copy_in_lane(Direction direction, std::string_view body);
  Lane& lane(Direction direction) {
    return lanes_[direction == Direction::kClientToServer ? 0 : 1];
  }
  void answer_editor(const std::string& body);
  bool provides() const;
  std::vector<std::string> own_commands() const;

  const InterceptorOptions options_;
  Clock& clock_;
  Tap* tap_;
  InlineProvider* provider_ = nullptr;
  ControlDesk* control_ = nullptr;
  Inject inject_;
  EditorProcess on_editor_process_;
  EditorDocuments documents_;  // of the direction to the server
  InterceptorCounts counts_;
  std::array<Lane, 2> lanes_;

  mutable std::mutex session_mutex_;
  // Guarded by session_mutex_.
  lsp::PendingRequests<Awaited> awaited_;            // by the editor
  lsp::PendingRequests<Awaited> awaited_by_server_;  // those that capture reads the answers of
  ServerFacts server_;
  std::map<std::string, Registration> registrations_;
  // A registration of inline completion that was not recorded, so that it cannot be told when it is
  // taken back.
  bool unrecorded_inline_ = false;
  bool accept_announced_ = false;
};

}  // namespace strop::agent
