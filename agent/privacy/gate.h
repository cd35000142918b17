// The one place that every record and every provider request passes on its way out of memory.
//
// Owns the rules and their caches. Any thread. Times are milliseconds, texts UTF-8. It fails
// closed: whatever goes wrong with an event, what leaves is counts alone, or nothing. Nothing
// throws.
//
//   excluded file (defaults, ignore files, configuration, "never")  → suppressed, named by the rule
//   mode full and a workspace that consented                        → texts without secrets
//   anything else; texts too large, that rules fail on, or whose
//   surroundings are no longer known                                → counts and lengths
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/mode.h"
#include "agent/privacy/event_scrubber.h"
#include "agent/privacy/git_repository.h"
#include "schema/event.h"

namespace strop::agent {

struct GateOptions {
  Mode mode = Mode::kMetricsOnly;       // already below the administrator's ceiling
  std::vector<std::string> workspaces;  // folders that consented
  std::vector<std::string> exclude;     // patterns in .gitignore's form
  std::filesystem::path state;          // where the key of pseudonyms and the pause are kept
  UserPlaces user;                      // where git's own lists of ignored files are looked for
  // Milliseconds of any steady clock: how long caches hold. Empty: the system's.
  std::function<double()> now_ms;
  // What finds secrets. Empty: schema::scan_secrets.
  EventScrubber::Find find_secrets;
};

struct GateResult {
  bool suppressed = false;
  std::string bytes;  // the record, JSON text, exactly as it will leave; empty if suppressed
  std::string rule;   // what decided: the exclusion's name, or why texts stayed or went
};

struct ProviderDecision {
  bool allowed = false;  // false: the file is excluded, or could not be judged
  std::string rule;
  std::string prefix;  // without secrets: this is what may be sent
  std::string suffix;
  std::string repository;  // folder that the file is of, refused or not; not to be sent
};

enum class Captured { kNothing, kCounts, kFull };
struct CaptureRuling {
  Captured captured = Captured::kNothing;
  std::string rule;  // what decided
};

class Gate {
 public:
  explicit Gate(GateOptions options);
  ~Gate();

  // What pass() would do with an event of this file; without a URI: of one in no workspace.
  CaptureRuling ruling(std::string_view uri);
  // A pause or its end was just told: it holds from the next call on, not after the cache's time.
  void look_again();

  GateResult pass(const schema::Event& event);

  // For completions, whatever the mode: an excluded file gets none, and no secret goes along.
  ProviderDecision pass_request(std::string_view uri, std::string_view prefix,
                                std::string_view suffix);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strop::agent
