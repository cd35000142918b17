// Contributors by pseudonym: HMAC-SHA256 of a user or install, under a key kept outside the store.
//
// Value, any thread once made. Whoever has the key and the store can undo a pseudonym by trying
// names: this is pseudonymity, not anonymity. Errors: UsageError when the key file is open to
// others or malformed.
#pragma once

#include <filesystem>
#include <string>

#include "schema/wire.h"

namespace strop::collector {

class Pseudonyms {
 public:
  // Reads the key file, or makes it (mode 0600) if there is none.
  explicit Pseudonyms(const std::filesystem::path& key_file);

  // 32 hexadecimal digits. By user if the connection has one, else by install.
  std::string contributor(const std::string& user, const schema::WireId& install) const;

 private:
  std::string key_;  // 32 bytes
};

}  // namespace strop::collector
