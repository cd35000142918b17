// The trainer's configuration: what the commands take where neither a flag nor a recipe says
// otherwise.
//
// Values and free functions; any thread. Errors: std::invalid_argument with the file, the key and
// what it may be; a key that is not known is an error too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "trainer/precision.h"

namespace strop::trainer {

inline constexpr const char* kDefaultConfig = "/etc/strop/trainer.toml";
inline constexpr const char* kConfigHelp =
    "TOML of base, threads, device and [serve], for what flags leave open (default: "
    "/etc/strop/trainer.toml)";

// [serve]
struct ServeSettings {
  std::string bind = "127.0.0.1:8012";  // HOST:PORT; port 0 takes any free one
  std::string token_file;
  bool behind_proxy = false;
  std::int64_t context = 0;       // tokens of prompt and completion; 0: the model's positions
  int threads = 1;                // threads an operator is spread over; 0: every core
  std::string adapter;            // adapter folder; empty: none
  std::int64_t cache_mib = 256;   // keys and values kept for prompts that begin alike
  std::int64_t batch_mib = 4096;  // keys and values that what is computed may grow to
};

struct Settings {
  std::string base;                        // model folder
  int threads = 0;                         // to train and to measure with; 0: every core
  std::string device;                      // of device.h; empty: the first GPU if there is one
  Precision precision = Precision::kAuto;  // to serve and to evaluate in; of a run its recipe says
  ServeSettings serve;
};

// Reads `file`, or the default one if there is one and `file` is empty. Its paths are relative to
// it.
Settings read_settings(const std::string& file);

// What --precision said, else the settings' own; std::invalid_argument for a name that is none.
Precision model_precision(const std::optional<std::string>& flag, const Settings& settings);

// The folder that --model named, else the settings' base; std::invalid_argument for neither.
std::string model_folder(const std::string& flag, const Settings& settings);

}  // namespace strop::trainer
