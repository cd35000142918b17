#include "agent/tracker_state.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace strop::agent {
namespace {

using nlohmann::json;
using schema::OutcomeKind;

constexpr std::size_t kMaxRemembered = 64;  // after their verdict, for an accept that is told late

PastSuggestions::Name name_of(const lsp::MessageId& request, std::size_t index) {
  return PastSuggestions::name_of(lsp::id_to_json(request) + "#" + std::to_string(index));
}

bool settles(OutcomeKind outcome, schema::Source source) {
  switch (outcome) {
    case OutcomeKind::kAccepted:
    case OutcomeKind::kPartial:
    case OutcomeKind::kTypedThrough:
    case OutcomeKind::kDismissed:
      return true;
    case OutcomeKind::kIgnored:
      return source == schema::Source::kInline;
    default:
      return false;
  }
}

}  // namespace

void SuggestionTracker::Impl::on_command(const json& message, const lsp::Peeked&) {
  const json& params = field_of(message, "params");
  const std::string command = text_of(params, "command");
  if (!options_.accept_command.empty() && command == options_.accept_command) {
    const auto wrapped = wrapped_item(params);
    if (!wrapped) return malformed();
    if (auto [record, item] = offered_as(*wrapped); record != nullptr)
      accepted(*record, item.candidate, schema::Evidence::kCommand);
    return;
  }
  const std::string key = command_key(params);
  if (key.empty() || edit_command(key)) return;
  if (auto [record, item] = named(key); record != nullptr)
    accepted(*record, item.candidate, schema::Evidence::kCommand);
}

SuggestionTracker::Impl::Candidate SuggestionTracker::Impl::offered_as(const WrappedItem& item) {
  if (item.command != options_.accept_command) return {nullptr, {}};
  for (auto record = inlines_.rbegin(); record != inlines_.rend(); ++record)
    for (auto offer = record->answers.rbegin(); offer != record->answers.rend(); ++offer)
      if (offer->first == item.request) {
        const auto candidate = offer->second.find(item.index);
        if (candidate == offer->second.end()) return {nullptr, {}};
        return {&*record, candidate->second};
      }
  return {nullptr, {}};
}

SuggestionTracker::Impl::Candidate SuggestionTracker::Impl::named(const std::string& name) {
  Candidate best{nullptr, {}};
  for (auto record = inlines_.rbegin(); record != inlines_.rend(); ++record) {
    if (record->final) continue;
    const auto found = std::find_if(record->names.rbegin(), record->names.rend(),
                                    [&name](const auto& entry) { return entry.first == name; });
    if (found == record->names.rend()) continue;
    if (record->state.matched()) return {&*record, found->second};
    if (best.first == nullptr || (best.first->state.done() && !record->state.done()))
      best = {&*record, found->second};
  }
  return best;
}

void SuggestionTracker::Impl::accepted(InlineRecord& record, std::size_t candidate,
                                       schema::Evidence evidence) {
  if (record.final) return;  // what has settled is told as it is
  const bool late = record.state.done();
  record.state.told_accepted(candidate, evidence, now_);
  for (PopupRecord& popup : popups_)
    if (popup.header.uri == record.header.uri && popup.state.matched() && record.state.matched() &&
        popup.state.matched_ms() == record.state.matched_ms())
      popup.state.lose_match(now_);
  start_watch_of(record);
  if (late) return correct_late(record);
  if (record.state.ready(now_)) {
    conclude(record, false);
    forget_concluded();
  }
}

void SuggestionTracker::Impl::correct_late(InlineRecord& record) {
  if (record.state.judged() == OutcomeKind::kAccepted) return;
  schema::Outcome outcome = record.state.verdict(now_, false);
  outcome.corrects = std::string(schema::to_word(record.state.judged()));
  record.state.set_judged(outcome.outcome);
  std::erase_if(settling_, [&record](const SettlingRecord& settling) {
    return settling.header.suggestion == record.header.suggestion;
  });
  tell(record.header, std::move(outcome));
  record.state.watch.emplace(record.state.watch_start(now_));
  settle(record.header, record.state.judged(), record.state.watch);
}

SuggestionTracker::Impl::Candidate SuggestionTracker::Impl::with_text(const std::string& text,
                                                                      bool done_too) {
  for (auto record = inlines_.rbegin(); record != inlines_.rend(); ++record)
    if (const auto candidate = record->state.candidate_of_text(text);
        candidate && (done_too || !record->state.done()))
      return {&*record, {*candidate, record->state.named_items()[*candidate].begin}};
  return {nullptr, {}};
}

void SuggestionTracker::Impl::take_word(const EditorWord& word) {
  if (word.kind == EditorWord::Kind::kRated) return rate(word);
  if (word.wrapped && word.wrapped->command == options_.accept_command) {
    if (auto [record, item] = offered_as(*word.wrapped); record != nullptr)
      tell_inline(*record, item, word);
    return;
  }
  std::vector<std::string> names = word.marks;
  if (!word.command.empty()) names.push_back(word.command);
  if (word.kind == EditorWord::Kind::kShown) edit_shown(word.command);
  for (const std::string& mark : names) {
    if (auto [record, item] = named(mark); record != nullptr) {
      item.candidate = word.item.value_or(item.candidate);
      tell_inline(*record, item, word);
    }
    tell_popup(mark, word);
  }
  if (!names.empty() || word.text.empty()) return;
  if (auto [record, item] = with_text(word.text, false); record != nullptr)
    tell_inline(*record, item, word);
}

void SuggestionTracker::Impl::tell_inline(InlineRecord& record, NamedItem item,
                                          const EditorWord& word) {
  switch (word.kind) {
    case EditorWord::Kind::kShown:
      editor_tells_shown_ = true;
      if (record.state.done() || record.state.matched()) return;
      record.state.show(now_);
      record.shown_told = true;
      if (std::exchange(record.rendered_told, true)) return;  // again, as it shrinks
      return tell(record.header, schema::Shown{schema::Presence::kRendered});
    case EditorWord::Kind::kPartial:
      return record.state.told_partial(item, word.utf16_units, word.text, now_);
    case EditorWord::Kind::kAccepted:
      return accepted(record, item.candidate, schema::Evidence::kEditor);
    case EditorWord::Kind::kDismissed:
      record.state.told_dismissed(now_);
      return start_watch_of(record);
    case EditorWord::Kind::kRated:
      return;
  }
}

void SuggestionTracker::Impl::tell_popup(const std::string& mark, const EditorWord& word) {
  for (auto record = popups_.rbegin(); record != popups_.rend(); ++record) {
    const auto found = std::find_if(record->names.begin(), record->names.end(),
                                    [&mark](const auto& entry) { return entry.first == mark; });
    if (found == record->names.end()) continue;
    if (word.kind == EditorWord::Kind::kAccepted) record->state.told_accepted(found->second, now_);
    if (word.kind == EditorWord::Kind::kDismissed) record->state.told_dismissed(now_);
    return start_watch_of(*record);
  }
}

// Empty: the word is about one that is no longer, or never was, known.
std::string SuggestionTracker::Impl::rated_suggestion(const EditorWord& word) {
  if (!word.suggestion.empty()) return word.suggestion;
  const auto id_of = [this](const Candidate& found, PastSuggestions::Name name) {
    if (found.first != nullptr) return found.first->header.suggestion;
    const Event* past = past_.by_name(name);
    return past != nullptr ? past->suggestion : std::string();
  };
  if (word.wrapped) {
    if (word.wrapped->command != options_.accept_command) return "";
    return id_of(offered_as(*word.wrapped), name_of(word.wrapped->request, word.wrapped->index));
  }
  if (!word.command.empty())
    return id_of(named(word.command), PastSuggestions::name_of(word.command));
  if (!word.text.empty())
    return id_of(with_text(word.text, true), PastSuggestions::name_of(word.text));
  return last_accepted_.suggestion;
}

void SuggestionTracker::Impl::rate(const EditorWord& word) {
  const std::string id = rated_suggestion(word);
  if (id.empty()) return;
  const auto rated = [&](const Event& header) {
    if (header.suggestion != id) return false;
    tell(header, schema::Rated{word.dimensions, word.reason});
    return true;
  };
  for (const InlineRecord& record : inlines_)
    if (rated(record.header)) return;
  for (const SettlingRecord& record : settling_)
    if (rated(record.header)) return;
  if (rated(last_accepted_)) return;
  if (const Event* past = past_.by_id(id)) rated(*past);
}

void SuggestionTracker::Impl::remember(const InlineRecord& record) {
  std::vector<PastSuggestions::Name> names;
  for (const std::string& text : record.state.texts())
    names.push_back(PastSuggestions::name_of(text));
  for (const auto& [name, item] : record.names) names.push_back(PastSuggestions::name_of(name));
  for (const auto& [request, items] : record.answers)
    for (const auto& [index, item] : items) names.push_back(name_of(request, index));
  past_.keep(record.header, std::move(names));
}

void SuggestionTracker::Impl::remember(const PopupRecord& record) {
  // A list is long, and hashing what is not kept would be in vain.
  const std::size_t kept = std::min(record.names.size(), PastSuggestions::kMaxNames);
  std::vector<PastSuggestions::Name> names;
  for (std::size_t i = record.names.size() - kept; i < record.names.size(); ++i)
    names.push_back(PastSuggestions::name_of(record.names[i].first));
  past_.keep(record.header, std::move(names));
}

void SuggestionTracker::Impl::conclude(InlineRecord& record, bool closed) {
  schema::Outcome outcome = record.state.verdict(now_, closed);
  const OutcomeKind kind = outcome.outcome;
  const bool sibling = outcome.how == schema::How::kSibling;
  record.state.finish();
  record.state.set_judged(kind);
  tell(record.header, std::move(outcome));
  if (kind == OutcomeKind::kAccepted) last_accepted_ = record.header;
  if (sibling || !settles(kind, schema::Source::kInline)) return record.state.watch.reset();
  if (!record.state.watch || record.state.watch->accepted() !=
                                 (kind != OutcomeKind::kDismissed && kind != OutcomeKind::kIgnored))
    record.state.watch.emplace(record.state.watch_start(now_));
  settle(record.header, kind, record.state.watch);
}

void SuggestionTracker::Impl::conclude(std::list<PopupRecord>::iterator popup, bool closed) {
  schema::Outcome outcome = popup->state.verdict(now_, closed);
  const OutcomeKind kind = outcome.outcome;
  tell(popup->header, std::move(outcome));
  if (kind == OutcomeKind::kAccepted) last_accepted_ = popup->header;
  if (settles(kind, schema::Source::kPopup) && popup->state.watch_wanted()) {
    if (!popup->state.watch) popup->state.watch.emplace(popup->state.watch_start(now_));
    settle(popup->header, kind, popup->state.watch);
  }
  remember(*popup);
  popups_.erase(popup);
}

void SuggestionTracker::Impl::settle(const Event& header, OutcomeKind outcome,
                                     std::optional<Settling>& watch) {
  settling_.push_back({header, std::move(*watch), outcome, false});
  watch.reset();
  if (settling_.size() <= options_.max_settling) return;
  ++counters_.displaced_settling;
  settling_.pop_front();
}

void SuggestionTracker::Impl::give_up(InlineRecord& record) {
  record.state.finish();
  record.state.watch.reset();
  record.state.set_judged(OutcomeKind::kUnknown);
  tell(record.header, unknown());
}

void SuggestionTracker::Impl::give_up(std::list<PopupRecord>::iterator popup) {
  tell(popup->header, unknown());
  popups_.erase(popup);
}

schema::Outcome SuggestionTracker::Impl::unknown() {
  schema::Outcome outcome;
  outcome.outcome = OutcomeKind::kUnknown;
  outcome.evidence = schema::Evidence::kState;
  return outcome;
}

void SuggestionTracker::Impl::forget_concluded() {
  std::size_t done = 0;
  for (const InlineRecord& record : inlines_) done += record.state.done() ? 1 : 0;
  for (auto record = inlines_.begin(); done > kMaxRemembered && record != inlines_.end();) {
    const auto here = record++;
    if (!here->state.done()) continue;
    remember(*here);
    inlines_.erase(here);
    --done;
  }
}

void SuggestionTracker::Impl::tell_settled(SettlingRecord& record, schema::Settled state,
                                           const lsp::Document& document) {
  const TrackedRange now = record.state.range();
  state.diagnostics_after = diagnostics_in(
      {now.begin, std::max(now.begin, std::min(now.end, now.begin + state.text.size()))}, document);
  if (state.final)
    for (InlineRecord& mine : inlines_)
      mine.final = mine.final || mine.header.suggestion == record.header.suggestion;
  tell(record.header, std::move(state));
}

void SuggestionTracker::Impl::correct_deleted(SettlingRecord& record,
                                              const lsp::Document& document) {
  if (record.corrected || record.header.source != schema::Source::kInline ||
      !record.state.deleted(document.text()))
    return;
  record.corrected = true;
  schema::Outcome outcome;
  outcome.outcome = OutcomeKind::kDismissed;
  outcome.how = schema::How::kDeleted;
  outcome.evidence = schema::Evidence::kState;
  outcome.confidence = 0.7;
  outcome.corrects = std::string(schema::to_word(record.outcome));
  for (InlineRecord& mine : inlines_)
    if (mine.header.suggestion == record.header.suggestion)
      mine.state.set_judged(OutcomeKind::kDismissed);
  tell(record.header, std::move(outcome));
}

}  // namespace strop::agent
