// `strop-agent join`: names a collector in the user's configuration, with keys for it.
//
// Functions over the user's configuration folder, run by hand, one at a time; nothing is held. What
// the file says already stays: a [collector] of this very endpoint keeps its lines and is given the
// keys that it lacks, or that are not there yet; one of another is an error. With a token the
// collector is asked to let the key in before the configuration is written. Returns the program's
// exit code.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

#include "agent/config.h"

namespace strop::agent {

struct JoinWhat {
  std::string endpoint;               // tcp://HOST:PORT
  std::string server_key;             // the collector's public key, or a file that holds it
  std::filesystem::path key_file;     // made if it is not there; empty: beside the configuration
  std::filesystem::path config_file;  // empty: the user's own
  std::string token_file;             // of a one-time token in server_key's place; "-": stdin
};

int join(const Places& places, const JoinWhat& what, std::ostream& out, std::ostream& err);

}  // namespace strop::agent
