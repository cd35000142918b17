// The files of keys that `join` writes: the agent's own pair, and the collector's public keys.
//
// Functions over files of mode 0600, run by hand, one at a time. Errors are returned and say what
// to do. People link to files in a repository of their own: what is replaced is what lies behind.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "schema/curve_key.h"
#include "schema/wire.h"

namespace strop::agent {

using FileResult = tl::expected<void, std::string>;

// The whole text in one step; the folder is made if need be.
FileResult write_whole(const std::filesystem::path& file, const std::string& text);

// `fresh` takes the place of `file`, on disk when this returns.
FileResult replace_file(const std::filesystem::path& fresh, const std::filesystem::path& file);

// The pair in `file`, made if there is none.
tl::expected<schema::CurveKey, std::string> read_or_make_key(const std::filesystem::path& file);

// Lines of a text file, without blanks at their ends; empty ones are left out.
std::vector<std::string> lines_of(const std::filesystem::path& file);

// The collector's key, and below it the one that it is to have next.
FileResult write_server_keys(const std::filesystem::path& file, const schema::Enrolled& enrolled);

}  // namespace strop::agent
