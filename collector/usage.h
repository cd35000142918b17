// The exception for wrong usage or configuration; main turns it into exit code 2.
#pragma once

#include <stdexcept>

namespace strop::collector {

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace strop::collector
