#include "agent/tracker_state.h"

#include <algorithm>

namespace strop::agent {
namespace {

using nlohmann::json;

}  // namespace

void SuggestionTracker::Impl::on_initialize(const json&, const lsp::Peeked& peeked) {
  ask(peeked, {});
}

void SuggestionTracker::Impl::on_open(const json& message, const lsp::Peeked&) {
  auto params = lsp::parse<lsp::DidOpenTextDocumentParams>(field_of(message, "params"));
  if (!params) return malformed();
  const std::string uri = params->textDocument.uri;
  if (documents_.find(uri) != nullptr) close_document(uri);
  const std::size_t size = params->textDocument.text.size();
  if (documents_.size() >= options_.max_documents ||
      document_bytes() + size > options_.max_document_bytes) {
    ++counters_.refused_documents;
    return;
  }
  documents_.open(std::move(params->textDocument));
  judges_[uri] = EditJudge();
}

std::size_t SuggestionTracker::Impl::document_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [uri, document] : documents_.all()) bytes += document.text().size();
  return bytes;
}

void SuggestionTracker::Impl::on_close(const json& message, const lsp::Peeked&) {
  auto params = lsp::parse<lsp::DidCloseTextDocumentParams>(field_of(message, "params"));
  if (!params) return malformed();
  close_document(params->textDocument.uri);
}

void SuggestionTracker::Impl::on_save(const json& message, const lsp::Peeked&) {
  auto params = lsp::parse<lsp::DidSaveTextDocumentParams>(field_of(message, "params"));
  if (!params) return malformed();
  const lsp::Document* document = documents_.find(params->textDocument.uri);
  if (document == nullptr || !document->synced()) return;
  for (SettlingRecord& record : settling_) {
    if (record.header.uri != document->uri()) continue;
    if (auto state = record.state.saved(document->text(), now_))
      tell_settled(record, std::move(*state), *document);
  }
}

void SuggestionTracker::Impl::on_rename(const json& message, const lsp::Peeked&) {
  auto params = lsp::parse<lsp::RenameFilesParams>(field_of(message, "params"));
  if (!params) return malformed();
  for (const lsp::FileRename& file : params->files) {
    if (!documents_.rename(file.oldUri, file.newUri)) continue;
    judges_[file.newUri] = std::move(judges_[file.oldUri]);
    judges_.erase(file.oldUri);
    diagnostics_.forget(file.oldUri);
    const auto renamed = [&file](auto& records) {
      for (auto& record : records)
        if (record.header.uri == file.oldUri) record.header.uri = file.newUri;
    };
    renamed(inlines_);
    renamed(popups_);
    renamed(edits_);
    renamed(settling_);
  }
}

void SuggestionTracker::Impl::on_change(const json& message, const lsp::Peeked&) {
  auto params = lsp::parse<lsp::DidChangeTextDocumentParams>(field_of(message, "params"));
  if (!params) {
    malformed();
    const std::string uri = text_of(field_of(field_of(message, "params"), "textDocument"), "uri");
    return uri.empty() ? lose_step() : lose_step(uri);
  }
  const std::string& uri = params->textDocument.uri;
  auto applied = documents_.change(*params);
  if (!applied) {
    if (documents_.find(uri) != nullptr) lose_step(uri);
    return;
  }
  if (!applied->resynced && !applied->edits.empty()) take_edits(uri, std::move(applied->edits));
}

void SuggestionTracker::Impl::take_edits(const std::string& uri, std::vector<Edit> edits) {
  const lsp::Document& document = *documents_.find(uri);
  Notification notification{now_, std::move(edits), document.text(), habit_.lumps_keys()};
  notification.one_key_each = habit_.one_key_each();
  bool by_inline = false;
  bool in_parts = false;
  bool again = false;
  PopupRecord* chosen = nullptr;
  for (PopupRecord& record : popups_) {
    if (record.header.uri != uri || record.state.take(notification) != Claim::kAccepted) continue;
    // A list that was asked for again as the word was typed has left another behind: the newest
    // has the item.
    if (chosen != nullptr) chosen->state.lose_match(now_);
    chosen = &record;
  }
  bool by_popup = chosen != nullptr;
  notification.chosen_in_popup =
      std::any_of(popups_.begin(), popups_.end(), [&](const PopupRecord& record) {
        return record.header.uri == uri && record.state.writing(now_);
      });
  std::vector<InlineRecord*> accepted;
  InlineRecord* shown = nullptr;
  for (InlineRecord& record : inlines_) {
    if (record.header.uri != uri) continue;
    const bool was_visible = record.state.visible();
    const Claim claim = record.state.take(notification);
    if (claim == Claim::kAccepted && by_popup && record.state.told()) {
      chosen->state.lose_match(now_);  // the editor has said whose text it is
      by_popup = false;
    }
    if (claim == Claim::kAccepted && by_popup) record.state.contest();
    if (claim == Claim::kAccepted) accepted.push_back(&record);
    if ((claim == Claim::kAccepted || claim == Claim::kPartial) && was_visible) shown = &record;
    in_parts = in_parts || claim == Claim::kPartial;
    again = again || claim == Claim::kAgain;
  }
  by_inline = again || !accepted.empty();
  // Of several that the text completes it is the one on the screen (a part of which may be the
  // whole of another), or else the newest; and none where an editor writes an accepted one once
  // more.
  for (InlineRecord* record : accepted)
    if (again || record != (shown != nullptr ? shown : accepted.back()))
      record->state.yield_match();
  if (by_inline && !by_popup) hide_siblings(uri);
  const bool by_edit = take_hunks(uri, notification, by_popup || by_inline || in_parts);
  const std::vector<NaturalEdit> natural =
      judges_[uri].judge(notification, by_popup || by_inline || in_parts || by_edit);
  habit_.learn(natural);
  watch(uri, natural, document);
  for (auto& entry : contexts_of(uri))
    for (const Edit& edit : notification.edits) entry->take(edit);
}

void SuggestionTracker::Impl::hide_siblings(const std::string& uri) {
  for (PopupRecord& record : popups_)
    if (record.header.uri == uri) record.state.sibling_accepted(now_);
  for (InlineRecord& record : inlines_)
    if (record.header.uri == uri && record.state.visible()) record.state.sibling_accepted(now_);
}

void SuggestionTracker::Impl::watch(const std::string& uri, const std::vector<NaturalEdit>& edits,
                                    const lsp::Document& document) {
  const std::string& text = document.text();
  for (SettlingRecord& record : settling_)
    if (record.header.uri == uri) record.state.take(edits, text, now_);
  const auto follow = [&](auto& record) {
    if (record.header.uri != uri) return;
    if (record.state.watch) return record.state.watch->take(edits, text, now_);
    start_watch(record, document);
    if (record.state.watch && !record.state.watch->accepted()) record.state.watch->begun_by(edits);
  };
  for (InlineRecord& record : inlines_) follow(record);
  for (PopupRecord& record : popups_) follow(record);
  for (EditRecord& record : edits_)
    if (record.header.uri == uri) watch_hunk(record, edits, document);
}

schema::DiagnosticCounts SuggestionTracker::Impl::diagnostics_in(
    TrackedRange range, const lsp::Document& document) const {
  const auto line = [&document](std::size_t offset) {
    return static_cast<std::uint32_t>(
        document.lines().line_of(std::min(offset, document.text().size())));
  };
  return diagnostics_.count(document.uri(), line(range.begin), line(range.end));
}

std::vector<OfferContext*> SuggestionTracker::Impl::contexts_of(const std::string& uri) {
  std::vector<OfferContext*> out;
  for (auto& [id, context] : contexts_)
    if (context.uri() == uri) out.push_back(&context);
  return out;
}

void SuggestionTracker::Impl::close_document(const std::string& uri, bool settles) {
  const lsp::Document* document = documents_.find(uri);
  if (document == nullptr) return;
  for (InlineRecord& record : inlines_)
    if (record.header.uri == uri && !record.state.done()) conclude(record, true);
  for (auto popup = popups_.begin(); popup != popups_.end();) {
    const auto here = popup++;
    if (here->header.uri == uri) conclude(here, true);
  }
  conclude_edits(uri, /*known=*/true);
  for (auto record = settling_.begin(); record != settling_.end();) {
    const auto here = record++;
    if (here->header.uri != uri) continue;
    if (auto state = settles ? here->state.closed(document->text(), now_) : std::nullopt) {
      tell_settled(*here, std::move(*state), *document);
      correct_deleted(*here, *document);
    }
    settling_.erase(here);
  }
  forget_document(uri);
  documents_.close(uri);
  judges_.erase(uri);
  diagnostics_.forget(uri);
}

void SuggestionTracker::Impl::forget_document(const std::string& uri) {
  std::erase_if(inlines_, [&](const InlineRecord& record) {
    if (record.header.uri != uri || !record.state.done()) return false;
    remember(record);
    return true;
  });
  std::erase_if(contexts_, [&uri](const auto& entry) { return entry.second.uri() == uri; });
}

void SuggestionTracker::Impl::lose_step(const std::string& uri) {
  ++counters_.unsynced_documents;
  for (InlineRecord& record : inlines_)
    if (record.header.uri == uri && !record.state.done()) give_up(record);
  for (auto popup = popups_.begin(); popup != popups_.end();) {
    const auto here = popup++;
    if (here->header.uri == uri) give_up(here);
  }
  conclude_edits(uri, /*known=*/false);
  std::erase_if(settling_, [&uri](const SettlingRecord& r) { return r.header.uri == uri; });
  forget_document(uri);
  documents_.mark_unsynced(uri);
  judges_[uri] = EditJudge();
}

void SuggestionTracker::Impl::lose_step() {
  std::vector<std::string> uris;
  for (const auto& [uri, document] : documents_.all()) uris.push_back(uri);
  for (const std::string& uri : uris) lose_step(uri);
  static_cast<void>(pending_.take_all());
  contexts_.clear();
  early_.clear();
}

}  // namespace strop::agent
