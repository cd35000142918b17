// The model servers that are asked: one, or one for each arm of an experiment.
//
// Values; any thread. Errors are messages that name the key of the configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "agent/config.h"
#include "agent/provider/completion_api.h"
#include "schema/silence.h"

namespace strop::agent {

struct Backend {
  ProviderConfig config;  // with what the arm has of its own
  Endpoint endpoint;
  std::string key;
  std::optional<std::string> arm;  // nothing: there are no arms
  double weight = 1;
  std::optional<schema::SilenceRule> silence;
};

// Reads keys and silence files. REQUIRES: config.url is set.
tl::expected<std::vector<Backend>, std::string> make_backends(const ProviderConfig& config);

// The arm that a subject (a user's or repository's pseudonym) keeps: by weight, and the same each
// time as long as the arms have the same names and weights. REQUIRES: at least one.
std::size_t choose_backend(const std::vector<Backend>& backends, std::string_view subject);

}  // namespace strop::agent
