// The parts of other open files that are most like what is before the cursor.
//
// Owns what it made of each file, for as long as the file stays as it is. One thread. Sizes are
// bytes. Every file passes the gate whole before it is looked at, and every part of it again before
// it is given: a secret is then seen with all that surrounds it, and a file that was excluded
// meanwhile gives nothing more. No errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/provider/inline_provider.h"

namespace strop::agent {

class RelatedFiles {
 public:
  // As of Provider: takes out of a prompt what must not leave; false: nothing of it may.
  using Permit = std::function<bool(InlineAsk&)>;

  explicit RelatedFiles(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // The most similar one last, nearest to the cursor. `ask`: permitted.
  std::vector<RelatedText> choose(const InlineAsk& ask, const Permit& permit);

 private:
  struct Part {
    std::string text;
    std::vector<std::uint64_t> words;  // hashes, sorted, each once
  };
  struct File {
    std::shared_ptr<const std::string> as_read;
    std::vector<Part> parts;
  };
  const File* look_at(const OpenFile& open, const Permit& permit);

  const std::size_t most_bytes_;
  std::map<std::string, File> files_;  // of the last ask's open files
};

}  // namespace strop::agent
