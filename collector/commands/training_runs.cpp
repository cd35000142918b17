#include "collector/commands/training_runs.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

namespace strop::collector {
namespace {

namespace fs = std::filesystem;

std::optional<TrainingRun> read_run(const fs::path& summary) {
  std::ifstream in(summary);
  const auto json = nlohmann::json::parse(in, nullptr, false);
  if (!json.is_object() || !json.contains("pairs_sha256") || !json["pairs_sha256"].is_string())
    return std::nullopt;
  return TrainingRun{summary.parent_path().string(), json["pairs_sha256"].get<std::string>()};
}

}  // namespace

std::vector<TrainingRun> training_runs(const fs::path& below) {
  std::vector<TrainingRun> out;
  std::error_code error;
  for (fs::recursive_directory_iterator
           at(below, fs::directory_options::skip_permission_denied, error),
       end;
       !error && at != end; at.increment(error)) {
    if (at->path().filename() != "summary.json") continue;
    if (auto run = read_run(at->path())) out.push_back(std::move(*run));
  }
  return out;
}

}  // namespace strop::collector
