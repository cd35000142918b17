// The agent's configuration: the user's file, below the administrator's ceiling, under the flags.
//
// Plain values, read once before any thread starts. Files are TOML; a key that is not known, a
// value of a wrong type or out of its range is an error that names the key, its line and what is
// allowed (exit code 2). A file that does not exist is an empty one, unless it was named by
// --config. Times are milliseconds, sizes bytes. Nothing here is secret: keys stand in files of
// their own.
//
// The ceiling (/etc/strop/agent.toml) has the same keys. Its `mode` caps every other, the flag's
// too; its `[privacy]` exclusions add to the user's; its `[collector]` and `[spool]` values stand;
// the rest are defaults that the user's file and the flags override.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/mode.h"

namespace strop::agent {

// Whether every suggestion is shown, or those that `strop-collector calibrate` found worth it.
enum class Silence { kOff, kThreshold, kHead };

// One side of an experiment: what it has of its own; the rest is [provider]'s.
struct ProviderArm {
  std::string name;
  double weight = 1;
  // With an address of its own it has neither [provider]'s key nor its name.
  std::optional<std::string> url;
  std::optional<std::filesystem::path> key_file;
  std::optional<std::string> model;
  std::optional<std::string> producer;  // in place of provider.name
  std::optional<std::string> fim;
  std::optional<int> max_tokens;
  std::optional<double> temperature;
  std::optional<double> timeout_ms;
  std::optional<std::filesystem::path> silence_file;
  bool operator==(const ProviderArm&) const = default;
};

// Where completions come from when the agent itself gives them.
struct ProviderConfig {
  std::string url;                 // http on loopback, or https; empty: no provider
  std::filesystem::path key_file;  // bearer token, mode 0600; demanded by https
  std::string model;               // `model` of the request; empty: left out
  // Who completes, on the events; empty: `strop` on loopback, else the URL's host. The collector
  // makes pairs of another vendor's output only where its configuration says so.
  std::string name;
  // "server": the server applies its own template to prompt and suffix. A family of schema/fim.h:
  // the agent applies that one and sends the whole as the prompt.
  std::string fim = "server";
  bool first = false;      // answer also where the server offers inline completion itself
  bool multiline = false;  // may go on beyond the line's end where a block may stand
  int max_tokens = 48;
  int candidates = 1;      // `n`
  double debounce_ms = 0;  // wait so long before asking; what is superseded meanwhile is not asked
  double timeout_ms = 3000;
  int candidates_invoked = 3;  // `n` where completion is asked for by hand, to cycle through
  double temperature = 0;      // 0: the most probable; several candidates are then drawn at 0.4
  int cache = 32;              // answers kept for typing through; 0: none
  int related_bytes = 0;       // of other open files in the prompt; 0: none
  Silence silence = Silence::kOff;
  std::filesystem::path silence_file;  // of `strop-collector calibrate`
  double silence_explore = 0.05;       // share of what would be kept back that is shown anyway
  std::string arms_by = "user";        // who keeps an arm: "user" or "repository"
  std::vector<ProviderArm> arms;
  bool operator==(const ProviderConfig&) const = default;
};

// Where events go. Without an endpoint they stay in the spool.
struct CollectorConfig {
  // tcp://HOST:PORT, each of them; the first that takes events has them. All have one key.
  std::vector<std::string> endpoints;
  std::filesystem::path server_key_file;  // the collector's public key
  std::filesystem::path key_file;         // this user's key pair, mode 0600
  bool plain = false;                     // no encryption: loopback alone
  bool operator==(const CollectorConfig&) const = default;
};

struct SpoolConfig {
  std::uint64_t max_bytes = 256u << 20;  // beyond it the oldest events are given up
  double max_age_days = 30;
  bool operator==(const SpoolConfig&) const = default;
};

struct PrivacyConfig {
  // Folders whose files may be captured in full, once mode is full. `~` is the home folder.
  std::vector<std::string> workspaces;
  // Patterns in .gitignore's form; what matches is neither captured nor sent to a provider.
  std::vector<std::string> exclude;
  bool operator==(const PrivacyConfig&) const = default;
};

struct Config {
  Mode mode = Mode::kMetricsOnly;
  ProviderConfig provider;
  CollectorConfig collector;
  SpoolConfig spool;
  PrivacyConfig privacy;
  std::filesystem::path state;  // $XDG_STATE_HOME/strop, or ~/.local/state/strop
  std::filesystem::path home;
  std::filesystem::path config_home;  // of all programs
  bool operator==(const Config&) const = default;
};

// What the command line says; nothing: it is silent.
struct Flags {
  std::optional<std::filesystem::path> config;
  std::optional<Mode> mode;
  std::optional<std::string> provider_url;
  bool provider_first = false;
};

// Where files are looked for. Injected, so that tests need no /etc and no home.
struct Places {
  std::filesystem::path ceiling = "/etc/strop/agent.toml";
  std::filesystem::path home;
  std::filesystem::path config_home;  // $XDG_CONFIG_HOME or ~/.config
  std::filesystem::path state_home;   // $XDG_STATE_HOME or ~/.local/state
};

// From the environment. Errors: no home.
tl::expected<Places, std::string> places_from_environment();

tl::expected<Config, std::string> load_config(const Places& places, const Flags& flags);

}  // namespace strop::agent
