// The training runs below a folder, and the exports that they were trained on.
//
// Reads what strop-trainer writes beside each adapter: summary.json, whose `pairs_sha256` is that
// of the file it read. Function, any thread. What cannot be read is no run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace strop::collector {

struct TrainingRun {
  std::string folder;
  std::string pairs_sha256;
};

std::vector<TrainingRun> training_runs(const std::filesystem::path& below);

}  // namespace strop::collector
