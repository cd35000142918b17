// Who a message comes from, as the transport vouches for it. A value, copied freely.
#pragma once

#include <string>

namespace strop::collector {

struct Caller {
  std::string user;     // name on the allow-list, empty on a connection without keys
  bool allowed = true;  // false: the key is not, or no longer, on the list
  std::string key;      // its public key, Z85; empty without keys
  std::string address;  // of its machine, for the log
};

}  // namespace strop::collector
