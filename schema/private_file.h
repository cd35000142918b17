// A small text that is its owner's alone: a key, a token.
//
// Functions over files, any thread, nothing held. Errors are returned and say what to do; they
// begin with `what` and the file's name.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

namespace strop::schema {

inline constexpr std::size_t kMaxPrivateBytes = 4096;

// The file's text. Refused: one that others can read or write, one of another user's, what is no
// regular file, or is larger than kMaxPrivateBytes.
tl::expected<std::string, std::string> read_private_file(const std::filesystem::path& file,
                                                         const std::string& what);

// Its first line alone, without blanks at its end. Refused: an empty one.
tl::expected<std::string, std::string> read_private_line(const std::filesystem::path& file,
                                                         const std::string& what);

}  // namespace strop::schema
