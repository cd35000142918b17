// What a trained model says of itself: a README.md as model hubs read it, with what it was made
// from and how.
//
// A pure function; any thread. Nothing in it is measured anew: it is the run's summary in words. No
// errors.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "trainer/recipe.h"

namespace strop::trainer {

// `summary` as hone writes it.
std::string model_card(const Recipe& recipe, const nlohmann::json& summary);

}  // namespace strop::trainer
