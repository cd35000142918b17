#include "simulation/truth.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <map>
#include <set>
#include <stdexcept>

namespace strop::simulation {
namespace {

using nlohmann::json;

struct Captured {
  std::string id;
  std::string source;
  std::string uri;
  json position;
  std::string offered;
  double t_ms = 0;
  std::string outcome = "none";
  std::string text;
  std::size_t outcomes = 0;
  bool used = false;
  json settled;  // the final state
};

// Of a final state.
std::string fate_of(const Captured& captured) {
  if (captured.settled.is_null()) return "none";
  const json flags = captured.settled.value("flags", json::array());
  const auto flagged = [&flags](const char* flag) {
    return std::find(flags.begin(), flags.end(), flag) != flags.end();
  };
  if (flagged("undo")) return "undone";
  if (captured.settled.at("text") == captured.text) return "kept";
  return flagged("formatter") ? "formatted" : "changed";
}

std::string key_of(const std::string& source, const std::string& uri, const json& position,
                   const std::string& offered) {
  return source + uri + position.dump() + offered;
}

// A suggestion's events, joined. A correcting outcome replaces the one before it; any other second
// one is counted.
std::vector<Captured> join(const std::vector<json>& events) {
  std::vector<Captured> out;
  std::map<std::string, std::size_t> by_id;
  for (const json& event : events) {
    const std::string id = event.value("suggestion", "");
    const std::string type = event.value("type", "");
    if (type == "offered") {
      by_id[id] = out.size();
      const json& candidates = event.at("candidates");
      out.push_back({id, event.at("source"), event.at("uri"), event.at("position"),
                     candidates.empty() ? "" : candidates.at(0).at("text").get<std::string>(),
                     event.at("t_ms")});
    } else if (type == "outcome" && by_id.contains(id)) {
      Captured& captured = out[by_id[id]];
      captured.outcome = event.at("outcome");
      captured.text = event.value("text", "");
      if (!event.contains("corrects")) ++captured.outcomes;
    } else if (type == "settled" && event.value("final", false) && by_id.contains(id)) {
      out[by_id[id]].settled = event;
    }
  }
  return out;
}

// The captured suggestion of the same place and text that is nearest in time.
Captured* find(std::vector<Captured>& captured, const Truth& truth) {
  Captured* best = nullptr;
  for (Captured& candidate : captured) {
    if (candidate.used) continue;
    if (best == nullptr ||
        std::abs(candidate.t_ms - truth.t_ms) < std::abs(best->t_ms - truth.t_ms))
      best = &candidate;
  }
  return best != nullptr && std::abs(best->t_ms - truth.t_ms) < 5'000 ? best : nullptr;
}

std::string in_words(const Truth& truth, const Captured* captured) {
  return truth.source + ": " + truth.behaviour + " at " + truth.position.dump() +
         " t=" + std::to_string(truth.t_ms) + " of " + json(truth.offered).dump() + ": true " +
         truth.outcome + ", captured " +
         (captured == nullptr ? "nothing" : captured->outcome + " (" + captured->id + ")") +
         (captured != nullptr && !truth.text.empty() && captured->text != truth.text
              ? " with text " + json(captured->text).dump() + " for " + json(truth.text).dump()
              : "");
}

// Where the truth says what was accepted, so does the label.
bool says_what(const Truth& truth, const Captured& captured) {
  const bool told =
      truth.outcome == "accepted" || (truth.outcome == "partial" && !truth.text.empty());
  return !told || captured.text == truth.text;
}

bool is_label(const std::string& outcome) { return outcome != "none" && outcome != "unknown"; }

}  // namespace

json truth_to_json(const Truth& truth) {
  return {{"source", truth.source},
          {"uri", truth.uri},
          {"position", truth.position},
          {"offered", truth.offered},
          {"t_ms", truth.t_ms},
          {"outcome", truth.outcome},
          {"text", truth.text},
          {"fate", truth.fate},
          {"display_ms", truth.display_ms},
          {"behaviour", truth.behaviour},
          {"scored", truth.scored},
          {"unscored_because", truth.unscored_because}};
}

Truth truth_from_json(const json& in) {
  return {in.at("source"),     in.at("uri"),       in.at("position"), in.at("offered"),
          in.at("t_ms"),       in.at("outcome"),   in.at("text"),     in.at("fate"),
          in.at("display_ms"), in.at("behaviour"), in.at("scored"),   in.at("unscored_because")};
}

Score score(const std::vector<Truth>& truths, const std::vector<json>& events) {
  std::vector<Captured> captured = join(events);
  // By place and text, so that finding does not walk over everything.
  std::map<std::string, std::vector<Captured>> by_place;
  for (Captured& one : captured)
    by_place[key_of(one.source, one.uri, one.position, one.offered)].push_back(std::move(one));
  Score out;
  for (const Truth& truth : truths) {
    ++out.suggestions;
    auto place = by_place.find(key_of(truth.source, truth.uri, truth.position, truth.offered));
    Captured* match = place == by_place.end() ? nullptr : find(place->second, truth);
    if (match != nullptr) match->used = true;
    if (match != nullptr && match->outcomes > 1) ++out.twice;
    if (!truth.scored) {
      ++out.unscored;
      ++out.not_scored[truth.unscored_because];
      continue;
    }
    std::string label = match == nullptr ? "nothing" : match->outcome;
    const bool labelled = match != nullptr && is_label(label);
    const bool right = labelled && label == truth.outcome && says_what(truth, *match);
    if (labelled && !right && label == truth.outcome) label += ", other text";
    ++out.confusion[truth.outcome][label];
    ++out.by_source[truth.source][truth.outcome][label];
    if (right && !truth.fate.empty()) {
      const std::string fate = fate_of(*match);
      ++out.fates[truth.fate][fate];
      if (fate != truth.fate && out.examples.size() < 40)
        out.examples.push_back(in_words(truth, match) + ", became " + truth.fate + ", captured " +
                               fate + ": " + match->settled.dump());
    }
    Tally& tally = out.by_behaviour[truth.source + ": " + truth.behaviour];
    ++tally.n;
    tally.labelled += labelled ? 1 : 0;
    tally.right += right ? 1 : 0;
    out.labelled += labelled ? 1 : 0;
    out.right += right ? 1 : 0;
    if (!right && out.examples.size() < 40) out.examples.push_back(in_words(truth, match));
  }
  for (const auto& [place, all] : by_place)
    for (const Captured& one : all)
      if (!one.used && is_label(one.outcome)) {
        ++out.invented;
        ++out.labelled;
        ++out.confusion["(not offered)"][one.outcome];
        ++out.by_source[one.source]["(not offered)"][one.outcome];
        if (out.examples.size() < 40)
          out.examples.push_back(one.source + ": captured " + one.outcome + " (" + one.id +
                                 ") of " + json(one.offered).dump() + " at " + one.position.dump() +
                                 " t=" + std::to_string(one.t_ms) +
                                 ", which the typist does not know");
      }
  return out;
}

json score_to_json(const Score& score) {
  json behaviours = json::object();
  for (const auto& [name, tally] : score.by_behaviour)
    behaviours[name] = {{"n", tally.n}, {"labelled", tally.labelled}, {"right", tally.right}};
  return {{"precision", score.precision()},
          {"recall", score.recall()},
          {"n", score.suggestions - score.unscored},
          {"unscored", score.unscored},
          {"twice", score.twice},
          {"invented", score.invented},
          {"confusion", score.confusion},
          {"by_source", score.by_source},
          {"fates", score.fates},
          {"by_behaviour", std::move(behaviours)},
          {"not_scored", score.not_scored}};
}

void print_score(std::ostream& out, const Score& score) {
  std::set<std::string> labels;
  for (const auto& [truth, row] : score.confusion)
    for (const auto& [label, count] : row) labels.insert(label);
  out << std::left << std::setw(16) << "true \\ captured";
  for (const std::string& label : labels) out << std::right << std::setw(15) << label;
  out << '\n';
  for (const auto& [truth, row] : score.confusion) {
    out << std::left << std::setw(16) << truth;
    for (const std::string& label : labels)
      out << std::right << std::setw(15) << (row.contains(label) ? row.at(label) : 0);
    out << '\n';
  }
  out << std::fixed << std::setprecision(2) << "precision " << 100 * score.precision()
      << " %, recall " << 100 * score.recall() << " % over " << score.suggestions - score.unscored
      << " suggestions (" << score.unscored << " not scored: the wire cannot tell)\n";
  for (const std::string& example : score.examples) out << "  " << example << '\n';
}

std::vector<json> read_json_lines(std::istream& in) {
  std::vector<json> out;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    try {
      out.push_back(json::parse(line));
    } catch (const json::exception& error) {
      throw std::runtime_error("line " + std::to_string(number) + " is not JSON: " + error.what());
    }
  }
  return out;
}

}  // namespace strop::simulation
