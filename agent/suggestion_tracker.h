// Follows every suggestion from its offer to what became of it: messages and times in, events out.
//
// Owns its state: the open documents, the suggestions under way, those that settle. Pure: no clock,
// no I/O, no thread; one thread at a time. Times are milliseconds and must not go back (an earlier
// one counts as the latest seen). Nothing throws: a malformed message is counted and passed over.
// Memory is bounded (TrackerOptions); whatever had to go for it is counted and closed as `unknown`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/event.h"

namespace strop::agent {

enum class Direction { kClientToServer, kServerToClient };

struct TrackerOptions {
  // The command that the relay wraps around inline items: an executeCommand of this name with
  // arguments [{"request": ID, "item": INDEX}, …] is an accept. Empty: none was wrapped.
  std::string accept_command;
  // Suggestions are named by this and a number.
  std::string id_prefix = "s";
  // Who made what the server offers, for the events, where the server does not name itself.
  std::string server_name;
  // Counts documents' texts, in bytes; a document that does not fit is not followed.
  std::size_t max_document_bytes = 64u << 20;
  std::size_t max_documents = 512;
  std::size_t max_open = 64;         // suggestions with no outcome yet
  std::size_t max_settling = 512;    // suggestions whose text is still watched
  std::size_t max_pending = 512;     // requests without an answer
  std::size_t max_candidates = 100;  // of an inline answer; a popup list is offered by its first 20
};

// What the provider knows of an answer of its own and the wire does not.
struct ProviderNote {
  std::string model;
  std::string prompt_hash;  // hex SHA-256 of the exact prompt
  std::optional<std::string> arm;
  std::vector<std::optional<double>> logprobs;  // by item
  std::optional<double> latency_ms;             // otherwise from request to answer
  std::string server = "strop";                 // who made it, for the events
  bool exact = true;  // the prompt was made of what surrounds the cursor alone
  // By item: a rule would have kept it back, and it was let through with this probability.
  std::vector<std::optional<double>> propensities;
};

struct TrackerCounters {
  std::uint64_t messages = 0;
  std::uint64_t malformed = 0;              // messages that could not be read
  std::uint64_t unsynced_documents = 0;     // times that a document fell out of step
  std::uint64_t refused_documents = 0;      // opened beyond the limits
  std::uint64_t displaced_suggestions = 0;  // closed because too many were open
  std::uint64_t displaced_settling = 0;     // no longer watched because too many settled
  std::uint64_t displaced_requests = 0;
  std::uint64_t drops = 0;  // on_drop
};

class SuggestionTracker {
 public:
  explicit SuggestionTracker(TrackerOptions options = {});
  ~SuggestionTracker();
  SuggestionTracker(SuggestionTracker&&) noexcept;
  SuggestionTracker& operator=(SuggestionTracker&&) noexcept;

  // A message's body as the sender sent it, before any rewriting.
  std::vector<schema::Event> on_message(Direction direction, std::string_view body, double t_ms);

  // Gives what time alone brings about. To be called at next_deadline() at the latest.
  std::vector<schema::Event> on_time(double t_ms);

  // Messages were lost: open suggestions close as `unknown`, and no document is labelled until it
  // is in step again.
  std::vector<schema::Event> on_drop(double t_ms);

  // The session is over: as if every document were closed, once the editor has asked for
  // shutdown. Else somebody was killed, and nothing that still settles gets a final state.
  std::vector<schema::Event> finish(double t_ms);

  // When on_time has something to do next.
  std::optional<double> next_deadline() const;

  // The answer to the request with this id (JSON text: 7, "a") is the provider's own. To be called
  // before the answer is given to on_message.
  void note_provider(std::string_view request_id_json, ProviderNote note);

  const TrackerCounters& counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strop::agent
