// What the simulated developer really did with each suggestion: the ground truth that captured
// labels are scored against.
//
// Values; no thread. Times are virtual milliseconds, positions are the client's. `scored` is false,
// with a reason, where the wire cannot tell two behaviours apart.
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

namespace strop::simulation {

struct Truth {
  std::string source = "inline";  // as in the events: inline, popup, edit
  std::string uri;
  nlohmann::json position;  // where it was first offered
  std::string offered;      // the first candidate's text
  double t_ms = 0;          // when it was first offered
  std::string
      outcome;  // as in the events: accepted, partial, typed_through, dismissed, ignored, unseen
  std::string text;  // what was accepted, for accepted; for partial, if known
  // What became of an accepted text by the document's end: undone (and perhaps done again), kept,
  // formatted (whoever else changed it), changed. Empty: not scored.
  std::string fate;
  double display_ms = 0;
  std::string behaviour;  // in the typist's own words, for the report
  bool scored = true;
  std::string unscored_because;
};

nlohmann::json truth_to_json(const Truth& truth);
Truth truth_from_json(const nlohmann::json& json);

// How often something was so, and captured so.
struct Tally {
  std::size_t n = 0;
  std::size_t labelled = 0;
  std::size_t right = 0;
};

// truth → captured → count
using Confusion = std::map<std::string, std::map<std::string, std::size_t>>;

// Labels against truth, over the scored suggestions. A label is any captured outcome but `unknown`.
struct Score {
  std::size_t suggestions = 0;  // in the truth
  std::size_t unscored = 0;
  std::size_t labelled = 0;  // given a label
  std::size_t right = 0;     // of these, the true one (and for `accepted`, the true text)
  std::size_t twice = 0;     // suggestions with two labels
  std::size_t invented = 0;  // captured labels of suggestions that were never offered
  Confusion confusion;
  std::map<std::string, Confusion> by_source;
  Confusion fates;                                // of what was rightly captured as accepted
  std::map<std::string, Tally> by_behaviour;      // "source: behaviour"
  std::map<std::string, std::size_t> not_scored;  // because of this
  std::vector<std::string> examples;              // the first mistakes, in words

  double precision() const {
    return labelled == 0 ? 0 : static_cast<double>(right) / static_cast<double>(labelled);
  }
  double recall() const {
    const std::size_t n = suggestions - unscored;
    return n == 0 ? 0 : static_cast<double>(right) / static_cast<double>(n);
  }
};

// `events` are the captured events (CONTRACTS' objects), in the order of their capture.
Score score(const std::vector<Truth>& truths, const std::vector<nlohmann::json>& events);

nlohmann::json score_to_json(const Score& score);
void print_score(std::ostream& out, const Score& score);

// JSON lines; a bad line throws std::runtime_error with its number.
std::vector<nlohmann::json> read_json_lines(std::istream& in);

}  // namespace strop::simulation
