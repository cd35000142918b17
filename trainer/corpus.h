// Which files a model is made from, and which are held out to measure it on.
//
// Values and free functions; any thread. Paths are relative to a root, sorted and distinct, so that
// every machine with the same files trains the same. Errors: std::invalid_argument for a recipe
// that cannot be met, std::runtime_error for files that cannot be read, both naming the file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strop::trainer {

struct CorpusRecipe {
  std::string root = "/";
  std::string files;                     // a list of files, one path a line; '#' begins a comment
  std::vector<std::string> directories;  // beside or instead of the list: all files below these …
  std::vector<std::string> include{"*"};  // … whose path matches one of these patterns (fnmatch) …
  std::vector<std::string> exclude;       // … and none of these
  std::string heldout;                    // a list of files never trained on
  double heldout_share = 0;               // and this share of the others, by the hash of the path
};

struct CorpusFiles {
  std::vector<std::string> train;
  std::vector<std::string> heldout;
};

CorpusFiles select_files(const CorpusRecipe& recipe);

// Whether the hash of `path` puts it among the `share` of files held out.
bool is_held_out(std::string_view path, double share);

// The texts of ROOT/path for each path.
std::vector<std::string> read_texts(const std::string& root, const std::vector<std::string>& paths);

}  // namespace strop::trainer
