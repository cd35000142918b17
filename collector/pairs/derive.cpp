#include "collector/pairs/derive.h"

#include <algorithm>
#include <array>

#include "collector/pairs/distance.h"
#include "collector/pairs/extent.h"
#include "collector/quality/epsilon.h"
#include "schema/blank.h"
#include "schema/secrets.h"

namespace strop::collector {
namespace {

using schema::OutcomeKind;
using schema::PreferencePair;

std::string without_blanks(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  return out;
}

std::string extension(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? "" : std::string(name.substr(dot));
}

std::string lowered(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// Flags under which a settled text is not what the developer chose to write; the gravest first.
constexpr std::array<std::string_view, 5> kSpoilingFlags{"foreign", "paste", "undo", "formatter",
                                                         "branch_switch"};

// Why the two sides are no pair; empty if they are one.
std::string fault(const Sides& sides, const std::string& kind, const PairOptions& options) {
  if (schema::is_blank(sides.chosen) || schema::is_blank(sides.rejected)) return "empty";
  if (sides.chosen == sides.rejected) return "same";
  if (without_blanks(sides.chosen) == without_blanks(sides.rejected)) return "whitespace_only";
  if (std::max(sides.chosen.size(), sides.rejected.size()) > options.max_bytes) return "too_long";
  if (differ_by_length_alone(sides)) return "length_only";
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
    switch (history_.outcome->outcome) {
      case OutcomeKind::kDismissed:
        settled_pair("typed_instead");
        add_example(judged().text, false);
        break;
      case OutcomeKind::kAccepted:
        settled_pair("edited");
        sibling_pairs();
        break;
      case OutcomeKind::kPartial:
        // What was accepted, over itself as mended. What was written in place of the rest is not on
        // the wire.
        settled_pair("edited");
        break;
      default:  // typed through
        discard("typed_through");
        add_example(judged().text, true);
        sibling_pairs();
    }
    return std::move(out_);
  }

 private:
  void discard(const std::string& reason) { out_.discards.push_back(reason); }

  std::string no_pair_reason() const {
    if (!history_.offered) return "no_offer";
    if (!history_.outcome) return "no_outcome";
    switch (history_.outcome->outcome) {
      case OutcomeKind::kUnknown:
        return "unknown";
      case OutcomeKind::kUnseen:
        return "unseen";
      case OutcomeKind::kIgnored:
        return "ignored";
      default:
        break;
    }
    const auto& candidates = history_.offered->candidates;
    if (std::all_of(candidates.begin(), candidates.end(),
                    [](const schema::Candidate& candidate) { return candidate.text.empty(); }))
      return "metrics_only";
    const std::string server = lowered(history_.header.server);
    if (schema::is_blank(server) && !options_.unnamed_servers) return "unknown_server";
    if (std::any_of(
            options_.other_vendors.begin(), options_.other_vendors.end(),
            [&](const std::string& part) { return server.find(part) != std::string::npos; }))
      return "other_vendor";
    return find_replaced(judged().replaces, history_.offered->prefix, history_.offered->suffix)
               ? ""
               : "out_of_context";
  }

  const schema::Candidate& judged() const {
    const auto& candidates = history_.offered->candidates;
    for (const schema::Candidate& candidate : candidates)
      if (candidate.rank == history_.outcome->candidate) return candidate;
    return candidates.front();
  }

  // What the developer took or turned down, as it then stood.
  std::string verdict_text() const {
    const schema::Outcome& outcome = *history_.outcome;
    return outcome.outcome == OutcomeKind::kDismissed || outcome.text.empty() ? judged().text
                                                                              : outcome.text;
  }

  std::string spoiled_by(const schema::Settled& state) const {
    for (const std::string_view flag : kSpoilingFlags)
      if (std::find(state.flags.begin(), state.flags.end(), flag) != state.flags.end())
        return std::string(flag);
    return "";
  }

  void settled_pair(const std::string& kind) {
    const schema::Settled* state = history_.final_state();
    if (state == nullptr) return discard("unsettled");
    const std::string offered = verdict_text();
    const bool kept = kind == "edited" && state->text == offered;
    if (kept) {
      add_example(offered, true);
      return discard("kept_as_is");
    }
    if (const std::string flag = spoiled_by(*state); !flag.empty()) return discard(flag);
    add(kind, state->text, offered, judged());
  }

  // The candidates beside the one that was taken. Only inline ones: a popup's other items were
  // never judged.
  void sibling_pairs() {
    if (history_.header.source != schema::Source::kInline) return;
    const schema::Candidate& taken = judged();
    for (const schema::Candidate& other : history_.offered->candidates) {
      if (other.rank == taken.rank) continue;
      if (other.replaces == taken.replaces)
        add("sibling", taken.text, other.text, taken);
      else
        discard("out_of_context");
    }
  }

  std::optional<Sides> sides_of(std::string chosen, std::string rejected,
                                const schema::Candidate& candidate, bool behind_stays) const {
    const schema::Offered& offered = *history_.offered;
    const auto replaced = find_replaced(candidate.replaces, offered.prefix, offered.suffix);
    if (!replaced) return std::nullopt;
    return place({offered.prefix, offered.suffix, std::move(chosen), std::move(rejected)},
                 *replaced, behind_stays);
  }

  double doubt() const {
    return outcome_epsilon(history_.outcome->evidence, history_.outcome->confidence);
  }

  void add(const std::string& kind, const std::string& chosen, const std::string& rejected,
           const schema::Candidate& candidate) {
    auto sides = sides_of(chosen, rejected, candidate, kind == "typed_instead");
    if (!sides) return discard("out_of_context");
    // Of the whole texts: half a secret is one too.
    const bool secret =
        holds_secret(*sides, sides->chosen) || holds_secret(*sides, sides->rejected);
    Sides cut = cut_alike(*std::move(sides));
    if (const std::string reason = fault(cut, kind, options_); !reason.empty())
      return discard(reason);
    if (secret) return discard("secret");
    const double epsilon = either(doubt(), kind_epsilon(kind));
    if (epsilon > options_.max_epsilon) return discard("unsure");
    PreferencePair pair = about(out_.pairs.size(), kind, epsilon);
    pair.prefix = std::move(cut.prefix);
    pair.suffix = std::move(cut.suffix);
    pair.chosen = std::move(cut.chosen);
    pair.rejected = std::move(cut.rejected);
    out_.pairs.push_back(std::move(pair));
  }

  // One text and whether it was wanted. What is wrong with it is told where pairs are discarded.
  void add_example(const std::string& text, bool label) {
    auto sides = sides_of(text, text, judged(), !label);
    if (!sides || schema::is_blank(sides->rejected) ||
        sides->rejected.size() > options_.max_bytes || holds_secret(*sides, sides->rejected) ||
        doubt() > options_.max_epsilon)
      return;
    schema::UnpairedExample example;
    example.about =
        about(out_.examples.size(), std::string(to_word(history_.outcome->outcome)), doubt());
    example.about.id += "u";
    example.about.prefix = std::move(sides->prefix);
    example.about.suffix = std::move(sides->suffix);
    example.completion = std::move(sides->rejected);
    example.label = label;
    out_.examples.push_back(std::move(example));
  }

  // What pairs and examples say about where they come from.
  PreferencePair about(std::size_t number, const std::string& kind, double epsilon) const {
    PreferencePair pair;
    pair.id = history_.session + ":" + history_.header.suggestion + ":" + std::to_string(number);
    pair.language = history_.header.language;
    pair.repo = history_.header.repo.value_or("");
    pair.path_ext = extension(history_.header.path.value_or(history_.header.uri));
    pair.kind = kind;
    pair.epsilon = epsilon;
    pair.contributor = history_.contributor;
    pair.model = history_.offered->model;
    pair.arm = history_.offered->arm;
    pair.prompt = to_word(history_.offered->prompt);
    pair.t = history_.header.t_ms;
    pair.events = history_.events;
    return pair;
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
