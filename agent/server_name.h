// What a server is called that does not say so itself.
//
// Pure; any thread. No errors.
#pragma once

#include <string>
#include <vector>

namespace strop::agent {

// The name of the program in a command; behind an interpreter (node server.js, python3 -m pylsp)
// that of what it runs. Empty for an empty command.
std::string server_name(const std::vector<std::string>& command);

}  // namespace strop::agent
