// The events of a suggestion's life, as the agent writes them and the collector reads them.
//
// Values: plain data, copied freely, no thread of their own. Times are milliseconds (`t_ms`: of the
// session in replay, of the Unix epoch when live); positions are zero-based with UTF-16 characters;
// texts are UTF-8. Errors: `event_from_json` returns a message that names the offending field.
// Unknown fields are kept out, not refused: a newer agent may add some. FORMAT.md is the full text.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

namespace strop::schema {

inline constexpr int kEventVersion = 1;

enum class Source { kInline, kPopup, kEdit };
enum class Presence { kRendered, kPresumed };
enum class OutcomeKind {
  kAccepted,
  kPartial,
  kTypedThrough,
  kDismissed,
  kIgnored,
  kUnseen,
  kUnknown
};
enum class How {
  kNone,
  kExplicit,
  kTypedOver,
  kDeleted,
  kMovedAway,
  kSuperseded,
  kClosed,
  kSibling
};
enum class Evidence { kCommand, kEditor, kState, kTimeout };
enum class PromptKind { kExact, kRebuilt };

struct TextPosition {
  std::uint32_t line = 0;
  std::uint32_t character = 0;  // UTF-16 code units
  bool operator==(const TextPosition&) const = default;
};

struct Candidate {
  std::string text;      // as it would stand in the document, snippets expanded
  std::string replaces;  // the document's text that it would replace
  int rank = 0;
  std::optional<double> logprob;
  // As Offered's, where the candidates' differ.
  std::optional<double> propensity = std::nullopt;
  bool operator==(const Candidate&) const = default;
};

struct Offered {
  TextPosition position;
  std::vector<Candidate> candidates;  // every inline one; the first 20 of a popup list
  std::string prefix;                 // at most 8 KiB before the position, trimmed at a line
  std::string suffix;                 // at most 4 KiB after it
  PromptKind prompt = PromptKind::kRebuilt;
  std::optional<std::string>
      prompt_hash;  // hex SHA-256 of the exact prompt, when the agent sent it itself
  std::string model;
  std::optional<std::string> arm;
  // How probable it was that this one was offered at all; nothing: certain, or told of each
  // candidate.
  std::optional<double> propensity;
  double latency_ms = 0;
  bool operator==(const Offered&) const = default;
};

struct Shown {
  Presence presence = Presence::kPresumed;
  bool operator==(const Shown&) const = default;
};

struct Outcome {
  OutcomeKind outcome = OutcomeKind::kUnknown;
  How how = How::kNone;
  Evidence evidence = Evidence::kTimeout;
  double confidence = 0;            // 0…1
  int candidate = 0;                // rank of the candidate it is about
  std::string text;                 // what was accepted, in whole, as it then stood
  std::int64_t accepted_chars = 0;  // UTF-16
  double display_ms = 0;
  std::optional<std::string>
      corrects;  // an earlier outcome of this suggestion that this one replaces
  bool operator==(const Outcome&) const = default;
};

// Counts of diagnostics by severity name ("error", "warning", "information", "hint").
using DiagnosticCounts = std::map<std::string, int>;

struct Settled {
  double after_ms = 0;
  bool final = false;
  std::string text;  // the region now, or what was written instead
  std::int64_t kept_chars = 0;
  std::int64_t token_edits = 0;
  std::vector<std::string> flags;  // formatter, undo, paste, branch_switch, foreign
  DiagnosticCounts diagnostics_before;
  DiagnosticCounts diagnostics_after;
  bool operator==(const Settled&) const = default;
};

struct Rated {
  std::map<std::string, int>
      dimensions;  // correctness, efficiency, readability, best_practices, security: −1|0|1
  std::string reason;
  bool operator==(const Rated&) const = default;
};

struct Gap {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::string reason;
  bool operator==(const Gap&) const = default;
};

struct Event {
  std::string suggestion;  // id, unique in the session; empty for a gap
  double t_ms = 0;
  std::string uri;
  std::string language;
  std::string server;
  Source source = Source::kInline;
  std::string dialect;
  std::optional<std::string> repo;  // repository id, commit and path: full mode only
  std::optional<std::string> commit;
  std::optional<std::string> path;
  std::variant<Offered, Shown, Outcome, Settled, Rated, Gap> body;
  bool operator==(const Event&) const = default;
};

// "offered", "shown", "outcome", "settled", "rated", "gap".
std::string_view type_name(const Event& event);

nlohmann::json event_to_json(const Event& event);
tl::expected<Event, std::string> event_from_json(const nlohmann::json& json);

// The wire's words for the enums, such as "typed_through"; "" for How::kNone.
std::string_view to_word(Source value);
std::string_view to_word(Presence value);
std::string_view to_word(OutcomeKind value);
std::string_view to_word(How value);
std::string_view to_word(Evidence value);
std::string_view to_word(PromptKind value);

}  // namespace strop::schema
