// The files a typist works on: read whole, with their language, and the stretches and positions
// taken from them.
//
// Values; no thread. Unreadable files throw std::runtime_error with the path. Offsets are bytes.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "simulation/typist.h"

namespace strop::simulation {

struct SourceFile {
  std::string path;  // relative to the root it was read from
  std::string language;
  std::string text;
};

// By the file's ending; "plaintext" for an unknown one.
std::string language_of(const std::string& path);

// The files named in `list`, one relative path a line.
std::vector<SourceFile> read_files(const std::string& root, const std::string& list);

// `count` stretches of whole lines, each of about `characters`, that do not overlap.
std::vector<Task> stretches(const SourceFile& file, const std::string& root_uri, int count,
                            std::size_t characters, double keep_rest, std::mt19937_64& random);

// `count` positions to measure a model on: 60 % at line starts plus 0–3 characters, 40 % mid-line;
// JSON objects of strop-trainer evaluate --positions.
std::vector<nlohmann::json> positions(const SourceFile& file, int count, std::mt19937_64& random);

}  // namespace strop::simulation
