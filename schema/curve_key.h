// A CURVE key pair in a file, as agents and collectors keep theirs.
//
// Values and functions over files, any thread, nothing held. Keys are in ZeroMQ's Z85 form, 40
// characters. Errors are returned and say what to do. The file is text of two lines, `public KEY`
// and `secret KEY`; lines that start with `# ` are comments. Its mode has to be 0600 (or 0400).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace strop::schema {

struct CurveKey {
  std::string public_key;
  std::string secret_key;
  bool operator==(const CurveKey&) const = default;
};

// Whether this is the form of a key: 40 characters of Z85's alphabet.
bool is_curve_key(std::string_view text);

// A pair out of `draw`, which makes a random one each time, whose public key does not begin with
// '-': it is given on command lines, where that looks like a flag.
CurveKey make_curve_key(const std::function<CurveKey()>& draw);

// Refuses a file that others can read, that is not the user's own, or that is no key file.
tl::expected<CurveKey, std::string> read_curve_key(const std::filesystem::path& file);

// Creates the file with mode 0600, on disk when this returns. Never overwrites one.
tl::expected<void, std::string> write_curve_key(const std::filesystem::path& file,
                                                const CurveKey& key);

}  // namespace strop::schema
