#include "trainer/corpus.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "trainer/digest.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path, const std::string& named_by) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  if (in) out << in.rdbuf();
  if (!in || fs::is_directory(path))
    throw std::runtime_error("cannot read " + path.string() + named_by);
  return out.str();
}

void add_listed(const std::string& list, std::set<std::string>& into) {
  if (list.empty()) return;
  std::istringstream lines(read_text(list, ": the corpus wants a list of files, one path a line"));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && line.front() != '#') into.insert(line);
}

bool matches_any(const std::string& path, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), path.c_str(), 0) == 0;
  });
}

void add_below(const CorpusRecipe& recipe, const std::string& directory,
               std::set<std::string>& into) {
  const fs::path top = fs::path(recipe.root) / directory;
  if (!fs::is_directory(top))
    throw std::invalid_argument("the corpus names the folder " + top.string() +
                                ", which is not there");
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    const std::string path = entry.path().lexically_relative(recipe.root).string();
    if (matches_any(path, recipe.include) && !matches_any(path, recipe.exclude)) into.insert(path);
  }
}

}  // namespace

bool is_held_out(std::string_view path, double share) {
  Digest digest;
  digest.add(path);
  // The first 52 bits as a fraction: a double holds them exactly.
  const double fraction =
      static_cast<double>(std::stoull(digest.hex().substr(0, 13), nullptr, 16)) / 0x1p52;
  return fraction < share;
}

CorpusFiles select_files(const CorpusRecipe& recipe) {
  std::set<std::string> all;
  add_listed(recipe.files, all);
  for (const std::string& directory : recipe.directories) add_below(recipe, directory, all);
  std::set<std::string> heldout;
  add_listed(recipe.heldout, heldout);
  CorpusFiles out;
  for (const std::string& path : all) {
    if (heldout.contains(path)) continue;
    if (is_held_out(path, recipe.heldout_share))
      heldout.insert(path);
    else
      out.train.push_back(path);
  }
  out.heldout.assign(heldout.begin(), heldout.end());
  if (out.train.empty())
    throw std::invalid_argument(
        "the corpus has no files to train on: check files, directories, "
        "include and exclude");
  if (out.heldout.empty())
    throw std::invalid_argument(
        "the corpus holds no file out: give heldout or a larger "
        "heldout_share");
  return out;
}

std::vector<std::string> read_texts(const std::string& root,
                                    const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  out.reserve(paths.size());
  for (const std::string& path : paths)
    out.push_back(read_text(fs::path(root) / path, ", which the corpus names"));
  return out;
}

}  // namespace strop::trainer
