// A pair or an unpaired example as a line of an export: Strop's own form or TRL's.
//
// Pure functions, any thread. Secrets are looked for once more, by the rules of this build, which
// may be newer than those at ingest. Errors: none; what still holds a secret where it may not is
// nullopt.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "schema/fim.h"
#include "schema/preference_pair.h"

namespace strop::collector {

// Prefix and suffix lose their secrets; how many they had. A text to learn from that holds one, or
// completes one, makes the whole line nullopt.
std::optional<std::size_t> scrub(schema::PreferencePair& pair);
std::optional<std::size_t> scrub(schema::UnpairedExample& example);

// TRL's form: {prompt, chosen, rejected}, and {prompt, completion, label}.
nlohmann::json to_trl(const schema::PreferencePair& pair, schema::FimFamily family);
nlohmann::json to_trl(const schema::UnpairedExample& example, schema::FimFamily family);

}  // namespace strop::collector
