// The families of completion servers whose editors ask and tell in messages of their own.
//
// Values; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace strop::simulation {

enum class Dialect {
  kLsp,         // LSP 3.18, nothing more
  kCopilot,     // the same, with what is shown and accepted in parts told, and a command of its own
  kCopilotOld,  // getCompletions, notifyShown, notifyAccepted, notifyRejected
  kTabby,       // LSP items with an event id, tabby/telemetry/event
  kLlmLs        // llm-ls/getCompletions, acceptCompletion, rejectCompletion
};
std::optional<Dialect> dialect_by_name(const std::string& name);

// The request for ghost text.
std::string completion_method(Dialect dialect, bool invoked);
bool is_completion_method(const std::string& method);

// Something that an editor tells; `waits`: it is a request.
struct Told {
  std::string method;
  nlohmann::json params;
  bool waits = false;
};

}  // namespace strop::simulation
