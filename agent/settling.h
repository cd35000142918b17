// What becomes of a suggestion's text after its outcome: where it stands, what of it is kept, what
// was written instead, and what else had a hand in it.
//
// Follows the document's edits; asks for its text only when a state is to be told. One thread.
// Times are milliseconds, offsets bytes. No errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/text_edit.h"
#include "schema/event.h"

namespace strop::agent {

// What brought an edit about, as far as the wire tells.
enum class Nature { kTyped, kOurs, kForeign, kPaste, kFormatter, kUndo, kBranchSwitch };

struct NaturalEdit {
  Edit edit;  // an essential one
  Nature nature = Nature::kTyped;
};

class Settling {
 public:
  struct Start {
    TrackedRange range;
    std::string text;         // accepted, or suggested
    std::string text_before;  // what an undo would bring back into the range
    bool accepted = false;    // false: the range is what is written instead
    double t_ms = 0;          // of the act that decided: checks count from it
  };

  explicit Settling(Start start);

  // `text_after`: the document when all are done.
  void take(const std::vector<NaturalEdit>& edits, std::string_view text_after, double t_ms);

  // The edits by which the range came to be as it was at the start.
  void begun_by(const std::vector<NaturalEdit>& edits);

  // When a state is due. Nothing: never again.
  std::optional<double> deadline() const;
  bool finished() const { return checks_done_ == kChecks && final_; }

  // The state that is due at t_ms, if one is.
  std::optional<schema::Settled> check(std::string_view text, double t_ms);
  // At a save: nothing when the text is as it was last told.
  std::optional<schema::Settled> saved(std::string_view text, double t_ms);
  // At the document's end: the final state, unless it was told before.
  std::optional<schema::Settled> closed(std::string_view text, double t_ms);

  // True when an accepted text was taken out again by hand, and it stayed out.
  bool deleted(std::string_view text) const;

  const TrackedRange& range() const { return range_; }
  bool accepted() const { return start_.accepted; }
  const std::string& text() const { return start_.text; }
  // The part of the range that compares with the suggestion.
  std::string_view current(std::string_view text) const;

  void set_diagnostics_before(schema::DiagnosticCounts counts) { before_ = std::move(counts); }

 private:
  static constexpr std::size_t kChecks = 5;

  schema::Settled state(std::string_view text, double t_ms, bool final);
  bool quiet(double t_ms) const;

  Start start_;
  TrackedRange range_;
  bool grows_ = false;  // what is typed at the end belongs to the range
  Remains kept_;
  Remains foreign_;
  Remains pasted_;
  Remains restored_;  // brought back by an undo
  Remains formatted_;
  bool reformatted_ = false;  // some of the accepted text itself
  bool undone_ = false;
  bool switched_ = false;
  bool swallowed_ = false;
  bool taken_by_others_ = false;  // the last of it, not by hand
  double last_edit_ms_ = 0;
  std::size_t checks_done_ = 0;
  bool final_ = false;
  std::size_t saves_told_ = 0;
  std::optional<std::string> last_told_;
  schema::DiagnosticCounts before_;
};

}  // namespace strop::agent
