// One suggestion's life as the collector knows it: its events, joined, from offer to the last
// settled state.
//
// Values; pure; any thread. Times are milliseconds of the Unix epoch. Events may come in any order;
// a correcting outcome replaces the one it corrects. Events that do not parse are counted, never
// guessed at.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schema/event.h"

namespace strop::collector {

struct SuggestionHistory {
  std::string session;      // names the stream the suggestion belongs to
  std::string contributor;  // pseudonym
  schema::Event header;     // the fields that every event repeats; its body is the offer's
  std::optional<schema::Offered> offered;
  std::optional<schema::Shown> shown;
  std::optional<schema::Outcome> outcome;
  std::vector<schema::Settled> settled;  // by after_ms
  std::optional<schema::Rated> rated;
  std::vector<std::string> events;  // names, in order of arrival

  // The state that counts: the final one. Nothing when the agent ended before the suggestion
  // settled.
  const schema::Settled* final_state() const;
};

class HistoryBuilder {
 public:
  // One stored event: its name, the stream it came by, who sent it, its JSON text.
  void add(const std::string& name, const std::string& session, const std::string& contributor,
           const std::string& payload);

  // The histories, in order of their first event. Leaves the builder empty.
  std::vector<SuggestionHistory> take();

  std::uint64_t unreadable() const { return unreadable_; }

 private:
  std::map<std::pair<std::string, std::string>, std::size_t> by_suggestion_;
  std::vector<SuggestionHistory> histories_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace strop::collector
