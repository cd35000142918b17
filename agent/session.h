// One session of the agent: a server started, everything around it set up, relayed to its end.
//
// run_session starts the threads and ends them; the caller has started none before (it forks). The
// events' sink is made by the caller, after the fork, and used on the capture thread alone. Errors:
// a message, when the session cannot start; after that the editor sees what the server does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "agent/capture.h"
#include "agent/child_process.h"
#include "agent/clock.h"
#include "agent/config.h"
#include "agent/privacy/gate.h"
#include "agent/provider/provider.h"

namespace strop::agent {

// What delivery gives a session. All may be used from their own threads until the session has
// ended.
struct Delivery {
  virtual ~Delivery() = default;
  virtual EventSink& sink() = 0;
  // Says of whom a prompt is where there are arms, and takes out of it what must not leave; false:
  // nothing of it may. Any thread.
  virtual bool prepare(InlineAsk& ask) = 0;
  // What is captured of a file, and by which rule. Any thread.
  virtual CaptureRuling ruling(std::string_view uri) = 0;
  // Pausing has just begun or ended. Any thread.
  virtual void look_again() = 0;
  // No more events; what goes on in the background ends.
  virtual void finish() = 0;
};

struct SessionPlan {
  Config config;
  Clock::Kind clock = Clock::Kind::kSystem;
  std::vector<std::string> server;  // empty: the provider alone
  std::function<std::unique_ptr<Delivery>()> make_delivery;
};

struct SessionEnd {
  ChildEnd end;
  bool orderly = true;  // false: a thread could not be ended in time; leave by end_like alone
};

// REQUIRES: a server or config.provider.url.
tl::expected<SessionEnd, std::string> run_session(const SessionPlan& plan);

}  // namespace strop::agent
