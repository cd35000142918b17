// What the scripted server would rewrite: some words and lines of a document, a few lines apart,
// and its indentation.
//
// Pure and deterministic. Offsets are bytes of UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strop::simulation {

struct Rewrite {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string text;
};

// At most `count` of them, in order, three lines or more apart.
std::vector<Rewrite> rewrites_of(std::string_view document, std::size_t count, std::uint64_t seed);

// A formatter's: the indentation of indented lines grows by a space, trailing blanks go.
std::vector<Rewrite> formatting_of(std::string_view document);

}  // namespace strop::simulation
