// Patterns of files to leave alone, in .gitignore's form.
//
// Values; pure; any thread. Paths are relative to the folder the patterns stand in, with '/'
// between their parts. As in git: the last pattern that matches decides, `!` takes a file back in,
// a pattern with a '/' in it is anchored, one that ends in '/' means folders, `**` crosses them;
// and below an ignored folder nothing can be taken back in. No errors: a pattern that makes no
// sense matches nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strop::agent {

class IgnoreRules {
 public:
  IgnoreRules() = default;
  // One pattern a line; blank lines and those that begin with '#' say nothing.
  explicit IgnoreRules(std::string_view text);

  // The pattern that decides over this file or folder itself. Nothing: none does.
  struct Verdict {
    bool ignored = false;
    std::string pattern;
  };
  std::optional<Verdict> match(std::string_view path, bool is_folder) const;

  // Over the file, with the folders above it. Nothing: it is not ignored by these.
  std::optional<std::string> ignores(std::string_view path) const;

  // Over one of the folders above it: then nothing can take the file back in.
  std::optional<std::string> ignores_folder_of(std::string_view path) const;

  bool empty() const { return patterns_.empty(); }

 private:
  struct Pattern {
    std::string text;  // as it was written
    std::string glob;  // without its marks
    bool negated = false;
    bool folders_only = false;
    bool anchored = false;
  };
  std::vector<Pattern> patterns_;
};

// Whether `text` fits `glob` as a whole: ? and * stop at '/', ** does not, [a-z] and [!a-z] are
// classes, a backslash takes a mark for itself. `doubt`: the answer for a glob that takes too long.
bool glob_matches(std::string_view glob, std::string_view text, bool doubt);

}  // namespace strop::agent
