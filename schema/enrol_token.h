// A one-time token that lets one machine in: the key pair of a door that takes it once.
//
// A value and pure functions, any thread. The text is that of a file of mode 0600: lines
// `collector KEY`, `public KEY` and `secret KEY`, keys in Z85; lines that start with `#` are
// comments. Errors are returned and say what to do. Whoever has the text can use it.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "schema/curve_key.h"

namespace strop::schema {

struct EnrolToken {
  std::string collector;  // its public key
  CurveKey key;           // the collector knows the hash of its public half
  bool operator==(const EnrolToken&) const = default;
};

// `comment` is for a person: one line.
std::string token_text(const EnrolToken& token, const std::string& comment);

tl::expected<EnrolToken, std::string> parse_token(const std::string& text);

}  // namespace strop::schema
