// A secret of 32 random bytes in a file of its own: made once, kept outside the store.
//
// Pure but for the file; any thread. The file holds 64 hexadecimal digits, has mode 0600, and
// is the folder's owner's, also when root made it.
// Errors: UsageError when it is open to others, malformed, or cannot be made.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace strop::collector {

// Reads the key file, or makes it if there is none. `what` names it in messages: "pseudonym key";
// `loss` says what a lost one costs.
std::string read_or_make_key(const std::filesystem::path& file, const std::string& what,
                             const std::string& loss);

// HMAC-SHA256 under such a key, in bytes.
std::string keyed_hash(const std::string& key, std::string_view text);

// Lower-case hexadecimal digits of some bytes.
std::string to_hex_digits(std::string_view bytes);

}  // namespace strop::collector
