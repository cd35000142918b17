// Looks at one record that came in and says what to store: the event, scrubbed, or a dead letter.
//
// Pure, any thread. Never throws on bad input, whatever the bytes: a bad record is an Entry whose
// `rejected` and `reason` are set.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>

#include "collector/store/store.h"

namespace strop::collector {

// Removes secrets from an event in place; how many, or why it could not look.
using Scrub = std::function<tl::expected<std::size_t, std::string>(nlohmann::json& event)>;

struct Validated {
  Entry entry;
  std::size_t secrets = 0;  // found and removed
};

Validated validate(const schema::Record& record, std::uint64_t seq, const Scrub& scrub);

}  // namespace strop::collector
