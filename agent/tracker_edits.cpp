#include <algorithm>
#include <limits>

#include "agent/line_diff.h"
#include "agent/tracker_state.h"

namespace strop::agent {
namespace {

using nlohmann::json;
using schema::Evidence;
using schema::OutcomeKind;
using Origin = EditRecord::Origin;

constexpr std::size_t kMaxHunks = 32;  // of one edit
constexpr std::size_t kMaxEdits = 256;
constexpr double kApplyMs = 10'000;   // an editor has applied an edit by then
constexpr double kActionMs = 60'000;  // a menu is not open for longer
constexpr double kBurstMs = 500;      // what belongs to an applied edit comes within

const char* dialect_of(Origin origin) {
  switch (origin) {
    case Origin::kApply:
      return "lsp-apply-edit";
    case Origin::kAction:
      return "lsp-code-action";
    case Origin::kInline:
      return "copilot-inline-edit";
  }
  return "";
}

// What a person may have typed tells nothing of a menu's item.
bool typed_by_hand(const Notification& notification) {
  std::size_t places = 0;
  for (const Edit& told : notification.edits)
    for (const Edit& edit : essentials(told)) {
      if (!notification.typed(edit.new_text)) return false;
      ++places;
    }
  return places < 2;
}

double confidence_of(const EditRecord& record) {
  if (record.evidence) return record.applied_ms ? 0.97 : 0.9;
  return record.origin == Origin::kApply ? 0.9 : 0.8;
}

}  // namespace

void SuggestionTracker::Impl::on_edit_request(const json& message, const lsp::Peeked& peeked) {
  Asked asked;
  asked.what = peeked.method == "textDocument/copilotInlineEdit" ? Asked::What::kInlineEdit
                                                                 : Asked::What::kAction;
  asked.uri = text_of(field_of(field_of(message, "params"), "textDocument"), "uri");
  ask(peeked, std::move(asked));
}

void SuggestionTracker::Impl::on_apply_edit(const json& message, const lsp::Peeked& peeked) {
  const auto edit = read_workspace_edit(field_of(field_of(message, "params"), "edit"));
  if (!edit) return malformed();
  offer_edit(*edit, Origin::kApply, peeked.id);
}

void SuggestionTracker::Impl::take_actions(const json& result, bool resolved) {
  // The menu of before is gone; what was taken from it stays.
  if (!resolved)
    std::erase_if(edits_, [](const EditRecord& record) {
      return record.origin == Origin::kAction && !record.applied_ms;
    });
  for (const OfferedEdit& action : read_code_actions(result))
    if (!action.of_source)
      offer_edit(action, Origin::kAction, {});
    else
      for (auto& [uri, changes] : changes_by_document(action))
        expect_formatting(*documents_.find(uri), std::move(changes));
}

void SuggestionTracker::Impl::take_inline_edits(const json& result, const lsp::Document& document) {
  for (auto record = edits_.begin(); record != edits_.end();) {
    const auto here = record++;
    if (here->origin != Origin::kInline || here->header.uri != document.uri() || here->applied_ms)
      continue;
    conclude(*here, /*closed=*/false);
    edits_.erase(here);
  }
  for (const OfferedEdit& edit : read_inline_edits(result)) offer_edit(edit, Origin::kInline, {});
}

std::map<std::string, std::vector<Edit>> SuggestionTracker::Impl::changes_by_document(
    const OfferedEdit& edit) {
  std::map<std::string, std::vector<Edit>> by_document;
  std::map<std::string, bool> crlf;  // of the documents that were looked at
  const auto windows_lines = [&crlf](const lsp::Document& document) {
    const auto [known, first] = crlf.try_emplace(document.uri(), false);
    if (first) known->second = document.text().find("\r\n") != std::string::npos;
    return known->second;
  };
  for (const OfferedChange& change : edit.changes) {
    const lsp::Document* document = documents_.find(change.uri);
    if (document == nullptr || !document->synced()) continue;
    if (change.version && document->version() && *change.version != *document->version()) continue;
    const std::size_t begin = document->offset_at(change.range.start).offset;
    const std::size_t end = document->offset_at(change.range.end).offset;
    if (end < begin) {
      malformed();
      return {};
    }
    by_document[change.uri].push_back({begin, document->text().substr(begin, end - begin),
                                       with_line_ends(change.text, windows_lines(*document))});
  }
  return by_document;
}

void SuggestionTracker::Impl::offer_edit(const OfferedEdit& edit, Origin origin,
                                         const lsp::MessageId& id) {
  std::size_t offered = 0;
  for (auto& [uri, changes] : changes_by_document(edit)) {
    const lsp::Document& document = *documents_.find(uri);
    for (const HunkText& hunk : hunks_of(document.text(), std::move(changes)))
      if (++offered <= kMaxHunks) offer_hunk(hunk, edit, origin, id, document);
  }
}

void SuggestionTracker::Impl::offer_hunk(const HunkText& hunk, const OfferedEdit& edit,
                                         Origin origin, const lsp::MessageId& id,
                                         const lsp::Document& document) {
  if (edits_.size() >= kMaxEdits) {
    ++counters_.displaced_suggestions;
    if (edits_.front().told) tell(edits_.front().header, unknown());
    edits_.pop_front();
  }
  EditRecord record{{}, EditHunk(hunk), origin, {}, id, edit.command, edit.dismissal};
  record.header = header_for(document, schema::Source::kEdit, dialect_of(origin), server_);
  const auto around = [&](std::size_t offset) {
    return OfferContext(document, document.position_at(offset), encoding_, now_);
  };
  around(hunk.place.begin).fill(record.offered);
  schema::Offered behind;
  around(hunk.place.end).fill(behind);
  record.offered.suffix = std::move(behind.suffix);
  record.offered.candidates.push_back({hunk.new_text, hunk.old_text, 0, {}});
  record.until_ms = origin == Origin::kInline
                        ? std::numeric_limits<double>::infinity()
                        : now_ + (origin == Origin::kApply ? kApplyMs : kActionMs);
  edits_.push_back(std::move(record));
  if (origin != Origin::kAction) tell_offered(edits_.back());
}

void SuggestionTracker::Impl::tell_offered(EditRecord& record) {
  if (record.told) return;
  record.told = true;
  tell(record.header, record.offered);
}

void SuggestionTracker::Impl::take_applied(const lsp::MessageId& request, bool applied) {
  for (auto record = edits_.begin(); record != edits_.end();) {
    const auto here = record++;
    if (here->origin != Origin::kApply || here->request != request) continue;
    if (applied) {
      here->evidence = Evidence::kEditor;
      continue;
    }
    // Why an editor refuses is not told.
    tell(here->header, unknown());
    edits_.erase(here);
  }
}

bool SuggestionTracker::Impl::take_hunks(const std::string& uri, const Notification& notification,
                                         bool claimed) {
  std::vector<EditRecord*> applied;
  const bool awaited = std::any_of(edits_.begin(), edits_.end(), [&uri](const EditRecord& record) {
    return record.header.uri == uri;
  });
  if (!awaited) return false;
  Notification lines = notification;  // an editor may tell several hunks as one stretch
  lines.edits.clear();
  for (const Edit& told : notification.edits)
    for (Edit& edit : line_edits(told)) lines.edits.push_back(std::move(edit));
  for (EditRecord& record : edits_)
    if (record.header.uri == uri && record.state.take(lines)) applied.push_back(&record);
  const bool by_hand = typed_by_hand(notification);
  bool any = false;
  std::vector<const EditRecord*> taken;
  // Two that would do the same are one to the document: what was asked for or seen has it, or the
  // first.
  std::stable_partition(applied.begin(), applied.end(), [](const EditRecord* record) {
    return record->origin == Origin::kApply || record->shown_ms.has_value();
  });
  for (EditRecord* record : applied) {
    const bool twin = std::any_of(taken.begin(), taken.end(), [record](const EditRecord* other) {
      return other->state.place() == record->state.place() &&
             other->state.hunk().new_text == record->state.hunk().new_text;
    });
    if (claimed || (record->origin != Origin::kApply && (twin || by_hand))) continue;
    taken.push_back(record);
    any = true;
    record->applied_ms = now_;
    tell_offered(*record);
  }
  return any && !claimed;
}

void SuggestionTracker::Impl::watch_hunk(EditRecord& record, const std::vector<NaturalEdit>& edits,
                                         const lsp::Document& document) {
  if (record.watch) return record.watch->take(edits, document.text(), now_);
  if (!record.applied_ms) return;
  const HunkText& hunk = record.state.hunk();
  record.watch.emplace(
      Settling::Start{record.state.place(), hunk.new_text, hunk.old_text, true, now_});
  record.watch->set_diagnostics_before(diagnostics_in(record.state.place(), document));
}

bool SuggestionTracker::Impl::edit_command(const std::string& key) {
  const auto about = [&key](const EditRecord& record) {
    return key == record.command || key == record.dismissal;
  };
  const auto record = std::find_if(edits_.begin(), edits_.end(), about);
  if (record == edits_.end()) return false;
  if (key == record->command) {
    for (EditRecord& hunk : edits_)
      if (hunk.command == key && (hunk.applied_ms || hunk.origin == Origin::kInline)) {
        hunk.evidence = Evidence::kCommand;
        hunk.until_ms = now_ + kBurstMs;
      }
    return record->origin == Origin::kInline;
  }
  for (auto hunk = edits_.begin(); hunk != edits_.end();) {
    const auto here = hunk++;
    if (here->dismissal != key) continue;
    dismiss(*here);
    edits_.erase(here);
  }
  return true;
}

void SuggestionTracker::Impl::dismiss(EditRecord& record) {
  schema::Outcome outcome;
  outcome.outcome = OutcomeKind::kDismissed;
  outcome.how = schema::How::kExplicit;
  outcome.evidence = Evidence::kCommand;
  outcome.confidence = 0.97;
  outcome.display_ms = record.shown_ms ? now_ - *record.shown_ms : 0;
  tell(record.header, std::move(outcome));
  const HunkText& hunk = record.state.hunk();
  record.watch.emplace(
      Settling::Start{record.state.place(), hunk.new_text, hunk.old_text, false, now_});
  settle(record.header, OutcomeKind::kDismissed, record.watch);
}

void SuggestionTracker::Impl::edit_shown(const std::string& command) {
  if (command.empty()) return;
  for (EditRecord& record : edits_) {
    if (record.origin != Origin::kInline || record.command != command || record.shown_ms) continue;
    record.shown_ms = now_;
    tell(record.header, schema::Shown{schema::Presence::kRendered});
  }
}

double SuggestionTracker::Impl::edit_deadline(const EditRecord& record) const {
  if (record.applied_ms)
    return record.evidence ? *record.applied_ms : *record.applied_ms + kBurstMs;
  return record.until_ms;
}

bool SuggestionTracker::Impl::edit_due(const EditRecord& record) const {
  return now_ >= edit_deadline(record);
}

void SuggestionTracker::Impl::tick_edits() {
  for (auto record = edits_.begin(); record != edits_.end();) {
    const auto here = record++;
    if (!edit_due(*here)) continue;
    conclude(*here, /*closed=*/false);
    edits_.erase(here);
  }
}

void SuggestionTracker::Impl::conclude(EditRecord& record, bool closed) {
  if (!record.told) return;
  schema::Outcome outcome;
  outcome.display_ms = record.shown_ms ? now_ - *record.shown_ms : 0;
  const bool believed = record.evidence == Evidence::kCommand;
  if (record.applied_ms || believed) {
    outcome.outcome = OutcomeKind::kAccepted;
    outcome.evidence = record.evidence.value_or(Evidence::kState);
    outcome.confidence = confidence_of(record);
    outcome.text = record.state.hunk().new_text;
    outcome.accepted_chars = static_cast<std::int64_t>(utf16_length(outcome.text));
    tell(record.header, std::move(outcome));
    last_accepted_ = record.header;
    if (record.watch) settle(record.header, OutcomeKind::kAccepted, record.watch);
    return;
  }
  if (record.origin != Origin::kInline) return tell(record.header, unknown());
  outcome.evidence = Evidence::kTimeout;
  if (outcome.display_ms < kSeenMs) {
    outcome.outcome = OutcomeKind::kUnseen;
    outcome.confidence = 0.8;
  } else {
    outcome.outcome = OutcomeKind::kIgnored;
    outcome.how = closed ? schema::How::kClosed : schema::How::kSuperseded;
    outcome.confidence = 0.7;
  }
  tell(record.header, std::move(outcome));
}

void SuggestionTracker::Impl::conclude_edits(const std::string& uri, bool known) {
  for (auto record = edits_.begin(); record != edits_.end();) {
    const auto here = record++;
    if (here->header.uri != uri) continue;
    if (known)
      conclude(*here, /*closed=*/true);
    else if (here->told)
      tell(here->header, unknown());
    edits_.erase(here);
  }
}

}  // namespace strop::agent
