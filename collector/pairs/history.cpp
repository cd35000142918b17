#include "collector/pairs/history.h"

#include <algorithm>

namespace strop::collector {
namespace {

void join(SuggestionHistory& history, const schema::Offered& offered) { history.offered = offered; }

void join(SuggestionHistory& history, const schema::Shown& shown) {
  // What an editor said outweighs what was presumed.
  if (!history.shown || shown.presence == schema::Presence::kRendered) history.shown = shown;
}

void join(SuggestionHistory& history, const schema::Outcome& outcome) {
  if (!history.outcome || outcome.corrects) history.outcome = outcome;
}

void join(SuggestionHistory& history, const schema::Settled& settled) {
  const auto later =
      std::find_if(history.settled.begin(), history.settled.end(),
                   [&](const schema::Settled& other) { return other.after_ms > settled.after_ms; });
  history.settled.insert(later, settled);
}

void join(SuggestionHistory& history, const schema::Rated& rated) { history.rated = rated; }

void join(SuggestionHistory&, const schema::Gap&) {}

}  // namespace

const schema::Settled* SuggestionHistory::final_state() const {
  for (auto state = settled.rbegin(); state != settled.rend(); ++state)
    if (state->final) return &*state;
  return nullptr;
}

void HistoryBuilder::add(const std::string& name, const std::string& session,
                         const std::string& contributor, const std::string& payload) {
  const auto json = nlohmann::json::parse(payload, nullptr, false);
  const auto event =
      json.is_discarded() ? tl::unexpected(std::string("not JSON")) : schema::event_from_json(json);
  if (!event) {
    ++unreadable_;
    return;
  }
  if (event->suggestion.empty()) return;  // a gap
  const auto [found, added] =
      by_suggestion_.try_emplace({session, event->suggestion}, histories_.size());
  if (added) {
    SuggestionHistory history;
    history.session = session;
    history.contributor = contributor;
    history.header = *event;
    histories_.push_back(std::move(history));
  }
  SuggestionHistory& history = histories_[found->second];
  if (std::holds_alternative<schema::Offered>(event->body)) history.header = *event;
  history.events.push_back(name);
  std::visit([&history](const auto& body) { join(history, body); }, event->body);
}

std::vector<SuggestionHistory> HistoryBuilder::take() {
  by_suggestion_.clear();
  return std::exchange(histories_, {});
}

}  // namespace strop::collector
