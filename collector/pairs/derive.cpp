#include "collector/pairs/derive.h"

#include <algorithm>
#include <cmath>

#include "collector/pairs/distance.h"
#include "schema/secrets.h"

namespace strop::collector {
namespace {

using schema::How;
using schema::OutcomeKind;
using schema::PreferencePair;

bool blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string without_blanks(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  return out;
}

std::string extension(std::string_view path) {
  const std::size_t name = path.rfind('/');
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos || (name != std::string_view::npos && dot < name)
             ? ""
             : std::string(path.substr(dot));
}

// `text` cut to as many lines as `like` has, so that length is not the signal.
std::string_view same_lines(std::string_view text, std::string_view like) {
  auto lines = std::count(like.begin(), like.end(), '\n');
  std::size_t end = text.find('\n');
  while (lines-- > 0 && end != std::string_view::npos) end = text.find('\n', end + 1);
  return text.substr(0, end);
}

// Both sides as they follow the prefix. A candidate stands in the document in place of `replaces`,
// which ends the prefix; where both sides begin with it, it is taken off them, else off the prefix.
struct Sides {
  std::string prefix;
  std::string chosen;
  std::string rejected;
};

Sides align(std::string prefix, const std::string& replaces, std::string chosen,
            std::string rejected) {
  if (!replaces.empty() && prefix.ends_with(replaces)) {
    if (chosen.starts_with(replaces) && rejected.starts_with(replaces)) {
      chosen.erase(0, replaces.size());
      rejected.erase(0, replaces.size());
    } else {
      prefix.erase(prefix.size() - replaces.size());
    }
  }
  // Lines are cut alike on both sides; a side that is shorter by itself stays as it is.
  const std::string_view chosen_cut = same_lines(chosen, rejected);
  const std::string_view rejected_cut = same_lines(rejected, chosen);
  return {std::move(prefix), std::string(chosen_cut), std::string(rejected_cut)};
}

// Flags under which a settled text is not what the developer chose to write.
const std::map<std::string, std::string>& spoiling_flags() {
  static const std::map<std::string, std::string> kFlags{{"foreign", "foreign"},
                                                         {"formatter", "formatter"},
                                                         {"undo", "undo"},
                                                         {"paste", "paste"},
                                                         {"branch_switch", "branch_switch"}};
  return kFlags;
}

// Why the two sides are no pair; empty if they are one.
std::string fault(const Sides& sides, const std::string& kind, const PairOptions& options) {
  if (blank(sides.chosen) || blank(sides.rejected)) return "empty";
  if (std::max(sides.chosen.size(), sides.rejected.size()) > options.max_bytes) return "too_long";
  if (sides.chosen == sides.rejected) return "same";
  if (without_blanks(sides.chosen) == without_blanks(sides.rejected)) return "whitespace_only";
  if (!schema::scan_secrets(sides.chosen).empty() ||
      !schema::scan_secrets(sides.rejected).empty() ||
      sides.chosen.find(schema::kRedactedMark) != std::string::npos ||
      sides.rejected.find(schema::kRedactedMark) != std::string::npos)
    return "secret";
  const double distance = lexeme_distance(sides.chosen, sides.rejected);
  if (distance <= options.nearest) return "too_near";
  if (kind == "edited" && distance >= options.farthest) return "too_far";
  return "";
}

class Deriver {
 public:
  Deriver(const SuggestionHistory& history, const PairOptions& options)
      : history_(history), options_(options) {}

  Derivation derive() {
    if (const std::string reason = no_pair_reason(); !reason.empty()) {
      discard(reason);
      return std::move(out_);
    }
    const schema::Outcome& outcome = *history_.outcome;
    if (outcome.outcome == OutcomeKind::kDismissed) {
      if (outcome.how == How::kTypedOver)
        settled_pair("typed_instead");
      else
        discard("dismissed_without_alternative");
    } else if (outcome.outcome == OutcomeKind::kPartial) {
      settled_pair("typed_instead");
    } else {
      if (outcome.outcome == OutcomeKind::kAccepted) settled_pair("edited");
      sibling_pairs();
    }
    return std::move(out_);
  }

 private:
  void discard(const std::string& reason) { out_.discards.push_back(reason); }

  std::string no_pair_reason() const {
    if (!history_.offered || history_.offered->candidates.empty()) return "no_offer";
    if (!history_.outcome) return "no_outcome";
    if (history_.offered->candidates.front().text.empty()) return "metrics_only";
    if (options_.other_vendors.contains(history_.header.server)) return "other_vendor";
    switch (history_.outcome->outcome) {
      case OutcomeKind::kUnknown:
        return "unknown";
      case OutcomeKind::kUnseen:
        return "unseen";
      case OutcomeKind::kIgnored:
        return "ignored";
      default:
        return "";
    }
  }

  const schema::Candidate& judged() const {
    const auto& candidates = history_.offered->candidates;
    for (const schema::Candidate& candidate : candidates)
      if (candidate.rank == history_.outcome->candidate) return candidate;
    return candidates.front();
  }

  void settled_pair(const std::string& kind) {
    const schema::Settled* state = history_.final_state();
    if (state == nullptr) return discard("unsettled");
    for (const std::string& flag : state->flags)
      if (auto found = spoiling_flags().find(flag); found != spoiling_flags().end())
        return discard(found->second);
    const schema::Candidate& candidate = judged();
    if (kind == "edited" && state->text == candidate.text) return discard("kept_as_is");
    add(kind, align(history_.offered->prefix, candidate.replaces, state->text, candidate.text),
        options_.command_epsilon + (1 - history_.outcome->confidence) / 2);
  }

  // The candidates beside the one that was taken. Only inline ones: a popup's other items were
  // never judged.
  void sibling_pairs() {
    if (history_.header.source != schema::Source::kInline) return;
    const schema::Candidate& taken = judged();
    for (const schema::Candidate& other : history_.offered->candidates)
      if (other.rank != taken.rank)
        add("sibling", align(history_.offered->prefix, taken.replaces, taken.text, other.text),
            options_.sibling_epsilon);
  }

  void add(const std::string& kind, Sides sides, double epsilon) {
    if (const std::string reason = fault(sides, kind, options_); !reason.empty())
      return discard(reason);
    if (epsilon > options_.max_epsilon) return discard("unsure");
    PreferencePair pair;
    pair.id = history_.session + ":" + history_.header.suggestion + ":" +
              std::to_string(out_.pairs.size());
    pair.language = history_.header.language;
    pair.repo = history_.header.repo.value_or("");
    pair.path_ext = extension(history_.header.path.value_or(history_.header.uri));
    pair.prefix = std::move(sides.prefix);
    pair.suffix = history_.offered->suffix;
    pair.chosen = std::move(sides.chosen);
    pair.rejected = std::move(sides.rejected);
    pair.kind = kind;
    pair.epsilon = std::clamp(epsilon, 0.0, 0.49);
    pair.contributor = history_.contributor;
    pair.model = history_.offered->model;
    pair.arm = history_.offered->arm;
    pair.prompt = to_word(history_.offered->prompt);
    pair.t = history_.header.t_ms;
    pair.events = history_.events;
    out_.pairs.push_back(std::move(pair));
  }

  const SuggestionHistory& history_;
  const PairOptions& options_;
  Derivation out_;
};

}  // namespace

Derivation derive_pairs(const SuggestionHistory& history, const PairOptions& options) {
  return Deriver(history, options).derive();
}

}  // namespace strop::collector
