// The parts of the table of secret rules, by who gives the secrets out.
//
// Functions that make values; any thread. No errors. Each has a file of its name.
#pragma once

#include <vector>

#include "schema/secret_rules.h"

namespace strop::schema {

std::vector<SecretRule> cloud_rules();  // and of hosts
std::vector<SecretRule> forge_rules();  // and of registries, and of what builds and keeps software
std::vector<SecretRule> service_rules();  // of those that programs call
std::vector<SecretRule> model_rules();    // of those who serve models
std::vector<SecretRule> generic_rules();  // of nobody in particular

}  // namespace strop::schema
