// What an editor extension asks of the agent itself: strop/status, strop/pause, strop/resume.
//
// Owns nothing but what it was told at the start; what it asks outlives it. Any thread.
// Errors are answers, as the protocol (editor-extensions/PROTOCOL.md) has them.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/mode.h"
#include "agent/privacy/gate.h"

namespace strop::agent {

// Methods that begin so are for the agent; no server sees them.
inline constexpr std::string_view kOwnMethods = "strop/";

struct ControlFacts {
  Mode mode = Mode::kOff;       // below the administrator's ceiling
  std::filesystem::path state;  // where the pause is kept
};

// The model that completes in a file, and where it is served.
struct Completer {
  std::string name;  // as events have it
  std::string url;
  std::string model;               // empty: the server's own choice
  std::optional<std::string> arm;  // of an experiment
};

class Control {
 public:
  using Ruling = std::function<CaptureRuling(std::string_view uri)>;
  // Nothing: the agent completes nowhere.
  using WhoCompletes = std::function<std::optional<Completer>(std::string_view uri)>;
  // `look_again`: called when pausing has begun or ended.
  Control(ControlFacts facts, Ruling ruling, WhoCompletes who_completes,
          std::function<void()> look_again);

  // The body that answers a request of one of kOwnMethods. `id`: JSON text; `body`: the request.
  std::string answer(std::string_view method, std::string_view id, std::string_view body) const;

 private:
  std::string status(std::string_view id, std::string_view body) const;

  const ControlFacts facts_;
  const Ruling ruling_;
  const WhoCompletes who_completes_;
  const std::function<void()> look_again_;
};

}  // namespace strop::agent
