// Tells what brought a document's edits about: typing, a suggestion, a formatter, undo, a paste,
// a branch switch, or something unknown.
//
// Remembers a document's last larger edits and announced formatting; one for each document. One
// thread. Times are milliseconds. No errors.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/live_region.h"
#include "agent/settling.h"
#include "lsp/types_generated.h"

namespace strop::agent {

class EditJudge {
 public:
  // The server answered a formatting request; `expected` is what the document would then be.
  void expect_formatting(std::string_view expected, double t_ms);

  // `ours`: the insertions came from a suggestion.
  std::vector<NaturalEdit> judge(const Notification& notification, bool ours);

 private:
  struct Past {
    std::size_t start = 0;
    std::string old_text;
    std::string new_text;
  };
  struct Expected {
    std::size_t size = 0;
    std::size_t hash = 0;
    double until_ms = 0;
  };

  bool is_formatting(const Notification& notification, const std::vector<Edit>& edits);
  bool takes_back(const Edit& edit) const;
  bool is_paste(const Edit& edit, std::string_view text_after) const;
  void remember(const Edit& edit);

  std::deque<Past> past_;
  std::optional<Expected> expected_;
};

// Whether a client sends several key presses as one insertion, or as one notification of several,
// learnt from how it types.
class TypingHabit {
 public:
  void learn(const std::vector<NaturalEdit>& edits);
  bool lumps_keys() const { return lumps_ >= 4 && lumps_ * 3 > singles_; }
  bool one_key_each() const { return singles_ >= 20 && bundles_ * 10 < singles_; }

 private:
  void learn_bundle(const std::vector<NaturalEdit>& edits);

  unsigned lumps_ = 0;
  unsigned bundles_ = 0;
  unsigned singles_ = 0;
};

}  // namespace strop::agent
