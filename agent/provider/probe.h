// Whether a model server completes: asked once, with a text of nobody's.
//
// Blocks for at most the configuration's timeout. Any thread. Errors are messages.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "agent/config.h"
#include "agent/provider/completion_api.h"

namespace strop::agent {

// One token, asked for as completions are.
tl::expected<void, std::string> try_completion(ProviderConfig config, const Endpoint& endpoint,
                                               const std::string& key);

}  // namespace strop::agent
