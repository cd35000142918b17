// The tracker's inside: what it knows of a session, and who changes it.
//
// Included by the tracker_….cpp files alone, each of which is one part of it: what comes in
// (suggestion_tracker), documents, offers, edits, and verdicts. One thread, the caller's. Times are
// milliseconds, offsets bytes of the document. Errors: `read` throws for a message that cannot be
// read; on_message counts it and goes on.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/diagnostics_table.h"
#include "agent/dialects/edit_dialects.h"
#include "agent/dialects/editor_words.h"
#include "agent/dialects/inline_dialects.h"
#include "agent/dialects/json_text.h"
#include "agent/edit_hunk.h"
#include "agent/edit_judge.h"
#include "agent/inline_suggestion.h"
#include "agent/offer_context.h"
#include "agent/past_suggestions.h"
#include "agent/popup_list.h"
#include "agent/settling.h"
#include "agent/suggestion_tracker.h"
#include "lsp/documents.h"
#include "lsp/message.h"
#include "lsp/pending.h"
#include "lsp/types.h"

namespace strop::agent {

struct InlineRecord {
  schema::Event header;
  InlineSuggestion state;
  // The names by which editors speak of candidates, and the answers that offered them.
  std::vector<std::pair<std::string, NamedItem>> names;
  std::vector<std::pair<lsp::MessageId, std::map<std::size_t, NamedItem>>> answers;
  bool shown_told = false;
  bool rendered_told = false;
  bool final = false;  // it has settled: no late accept is believed any more
};

struct PopupRecord {
  schema::Event header;
  PopupList state;
  std::vector<std::pair<std::string, int>> names;  // mark → rank
};

struct SettlingRecord {
  schema::Event header;
  Settling state;
  schema::OutcomeKind outcome;  // that stands
  bool corrected = false;
};

// One hunk of an edit that the server made.
struct EditRecord {
  enum class Origin {
    kApply,   // workspace/applyEdit: the editor does it unasked
    kAction,  // a code action: nothing is known of it unless the developer takes it
    kInline   // an inline edit, shown where it would go
  };
  schema::Event header;
  EditHunk state;
  Origin origin = Origin::kApply;
  schema::Offered offered;
  lsp::MessageId request;  // kApply: the server's
  std::string command;
  std::string dismissal;
  double until_ms = 0;  // given up then, if it was not applied
  bool told = false;    // its offer
  std::optional<double> shown_ms;
  std::optional<double> applied_ms;
  std::optional<schema::Evidence> evidence;
  std::optional<Settling> watch;
};

struct Asked {
  enum class What { kInitialize, kInline, kPopup, kFormatting, kAction, kInlineEdit };
  What what = What::kInitialize;
  InlineDialect dialect = InlineDialect::kLsp;
  std::string uri;
};

struct EarlyAnswer {
  lsp::MessageId id;
  std::string body;
  double t_ms = 0;
};

class SuggestionTracker::Impl {
 public:
  using json = nlohmann::json;
  using Event = schema::Event;

  explicit Impl(TrackerOptions options)
      : options_(std::move(options)),
        server_(options_.server_name),
        pending_(options_.max_pending) {}
  std::vector<Event> on_message(Direction direction, std::string_view body, double t_ms);
  std::vector<Event> on_time(double t_ms);
  std::vector<Event> on_drop(double t_ms);
  std::vector<Event> finish(double t_ms);
  std::optional<double> next_deadline() const;
  void note_provider(std::string_view request_id_json, ProviderNote note);
  const TrackerCounters& counters() const { return counters_; }

  // ---- time and events

  void advance(double t_ms);
  void tick();
  std::vector<Event> take_out() { return std::exchange(out_, {}); }
  template <class Body>
  void tell(const Event& header, Body body) {
    Event event = header;
    event.t_ms = now_;
    event.body = std::move(body);
    out_.push_back(std::move(event));
  }

  // ---- what comes in

  void from_client(const lsp::Peeked& peeked, std::string_view body);
  void from_server(const lsp::Peeked& peeked, std::string_view body);
  using Handler = void (Impl::*)(const json&, const lsp::Peeked&);
  static const std::map<std::string, Handler, std::less<>>& client_handlers();
  // Throws what `unreadable` then counts.
  static json read(std::string_view body);
  void malformed() { ++counters_.malformed; }
  void unreadable(const lsp::Peeked& peeked);

  // ---- documents

  void on_initialize(const json&, const lsp::Peeked& peeked);
  void on_open(const json& message, const lsp::Peeked&);
  std::size_t document_bytes() const;
  void on_close(const json& message, const lsp::Peeked&);
  void on_leave(const json&, const lsp::Peeked&) { left_in_order_ = true; }
  void on_save(const json& message, const lsp::Peeked&);
  void on_rename(const json& message, const lsp::Peeked&);
  void on_change(const json& message, const lsp::Peeked&);
  void take_edits(const std::string& uri, std::vector<Edit> edits);
  void hide_siblings(const std::string& uri);
  void watch(const std::string& uri, const std::vector<NaturalEdit>& edits,
             const lsp::Document& document);
  template <class Record>
  void start_watch(Record& record, const lsp::Document& document) {
    if (record.state.watch || !record.state.watch_wanted()) return;
    record.state.watch.emplace(record.state.watch_start(now_));
    record.state.watch->set_diagnostics_before(
        diagnostics_in(record.state.watch->range(), document));
  }
  schema::DiagnosticCounts diagnostics_in(TrackedRange range, const lsp::Document& document) const;
  std::vector<OfferContext*> contexts_of(const std::string& uri);
  // `settles`: what stands there now is what the suggestions became.
  void close_document(const std::string& uri, bool settles = true);
  // Suggestions that are concluded, and requests that wait, in a document that is gone or no longer
  // known.
  void forget_document(const std::string& uri);
  // The document's text can no longer be relied on.
  void lose_step(const std::string& uri);
  void lose_step();

  // ---- requests and answers

  void ask(const lsp::Peeked& peeked, Asked asked);
  void ask_here(const lsp::Peeked& peeked, Asked asked, const InlineRequest& request);
  void on_inline_request(const json& message, const lsp::Peeked& peeked);
  void on_popup_request(const json& message, const lsp::Peeked& peeked);
  void on_cursor_request(const json& message, const lsp::Peeked&);
  void on_formatting_request(const json& message, const lsp::Peeked& peeked);
  void on_cancel(const json& message, const lsp::Peeked&);
  // The editor's cursor is here: what is shown elsewhere is not seen any more.
  void cursor_at(const std::string& uri, std::size_t offset);
  template <class Record>
  void start_watch_of(Record& record) {
    if (const lsp::Document* document = documents_.find(record.header.uri))
      start_watch(record, *document);
  }
  using Entry = lsp::PendingRequests<Asked>::Entry;
  void answer(const Entry& entry, bool has_error, std::string_view body);
  std::optional<ProviderNote> take_note(const lsp::MessageId& id);
  void take_capabilities(const json& result);
  void take_formatting(const json& result, const lsp::Document& document);
  void expect_formatting(const lsp::Document& document, std::vector<Edit> places);

  // ---- offers

  Event header_for(const lsp::Document& document, schema::Source source, std::string dialect,
                   const std::string& server);
  void take_inline(const Entry& entry, const json& result, const OfferContext& context,
                   const lsp::Document& document, const std::optional<ProviderNote>& note);
  InlineRecord* continued(const lsp::Document& document, const std::vector<InlineItem>& items,
                          std::size_t cursor);
  InlineRecord& open_inline(const std::vector<InlineItem>& items, const OfferedInline& first,
                            const OfferContext& context, const lsp::Document& document,
                            const std::optional<ProviderNote>& note, schema::Offered offered);
  static void name(InlineRecord& record, const lsp::MessageId& id,
                   const std::vector<const OfferedInline*>& offers,
                   const std::vector<NamedItem>& items);
  void tell_shown(InlineRecord& record);
  // A new answer has come for this place: what was shown before is not any more.
  void supersede(const std::string& uri, std::size_t cursor);
  void take_popup(const Entry& entry, const json& result, const OfferContext& context,
                  const lsp::Document& document);
  void make_room();

  // ---- edits that the server makes

  void on_edit_request(const json& message, const lsp::Peeked& peeked);
  void on_apply_edit(const json& message, const lsp::Peeked& peeked);
  // The editor's answer to workspace/applyEdit.
  void take_applied(const lsp::MessageId& request, bool applied);
  // `resolved`: one of those that were offered before, with its edit.
  void take_actions(const json& result, bool resolved);
  void take_inline_edits(const json& result, const lsp::Document& document);
  // Of documents that are followed, in the version that the edit is for; none if any is malformed.
  std::map<std::string, std::vector<Edit>> changes_by_document(const OfferedEdit& edit);
  void offer_edit(const OfferedEdit& edit, EditRecord::Origin origin, const lsp::MessageId& id);
  void offer_hunk(const HunkText& hunk, const OfferedEdit& edit, EditRecord::Origin origin,
                  const lsp::MessageId& id, const lsp::Document& document);
  // True: with these edits one of them has come to stand. `claimed`: something else accounts for
  // the text.
  bool take_hunks(const std::string& uri, const Notification& notification, bool claimed);
  void watch_hunk(EditRecord& record, const std::vector<NaturalEdit>& edits,
                  const lsp::Document& document);
  // True: the command is about one of them.
  bool edit_command(const std::string& key);
  void dismiss(EditRecord& record);
  void edit_shown(const std::string& command);
  void tell_offered(EditRecord& record);
  bool edit_due(const EditRecord& record) const;
  double edit_deadline(const EditRecord& record) const;
  // `closed`: the document is. What comes of it is told; the record is then to be erased.
  void conclude(EditRecord& record, bool closed);
  void conclude_edits(const std::string& uri, bool known);
  void tick_edits();

  // ---- the editor's word

  void on_command(const json& message, const lsp::Peeked&);
  using Candidate = std::pair<InlineRecord*, NamedItem>;
  Candidate offered_as(const WrappedItem& item);
  // The newest suggestion of that name; one whose text has just come goes before the others.
  Candidate named(const std::string& name);
  Candidate with_text(const std::string& text, bool done_too);
  void accepted(InlineRecord& record, std::size_t candidate, schema::Evidence evidence);
  // An accept that is told after another verdict was given.
  void correct_late(InlineRecord& record);
  void take_word(const EditorWord& word);
  void tell_inline(InlineRecord& record, NamedItem item, const EditorWord& word);
  void tell_popup(const std::string& mark, const EditorWord& word);
  void rate(const EditorWord& word);
  std::string rated_suggestion(const EditorWord& word);

  // ---- verdicts and what comes after

  void conclude(InlineRecord& record, bool closed);
  void conclude(std::list<PopupRecord>::iterator popup, bool closed);
  void settle(const Event& header, schema::OutcomeKind outcome, std::optional<Settling>& watch);
  void give_up(InlineRecord& record);
  void give_up(std::list<PopupRecord>::iterator popup);
  static schema::Outcome unknown();
  void forget_concluded();
  // Concluded ones are rated by what stays of them here.
  void remember(const InlineRecord& record);
  void remember(const PopupRecord& record);
  void tell_settled(SettlingRecord& record, schema::Settled state, const lsp::Document& document);
  // Accepted, and soon taken out again by hand.
  void correct_deleted(SettlingRecord& record, const lsp::Document& document);

  TrackerOptions options_;
  TrackerCounters counters_;
  double now_ = 0;
  std::vector<Event> out_;

  lsp::Encoding encoding_ = lsp::Encoding::kUtf16;
  std::string server_;
  lsp::DocumentStore documents_;
  std::map<std::string, EditJudge, std::less<>> judges_;
  TypingHabit habit_;
  DiagnosticsTable diagnostics_;

  lsp::PendingRequests<Asked> pending_;
  std::unordered_map<lsp::MessageId, OfferContext, lsp::MessageIdHash>
      contexts_;  // of the pending ones that ask for offers
  std::deque<EarlyAnswer> early_;
  std::deque<std::pair<lsp::MessageId, ProviderNote>> notes_;
  bool editor_tells_shown_ = false;

  bool left_in_order_ = false;  // the editor asked for shutdown

  std::uint64_t last_id_ = 0;
  std::list<InlineRecord> inlines_;  // open ones, and the last that are concluded
  std::list<PopupRecord> popups_;    // open ones
  std::list<EditRecord> edits_;      // not concluded
  std::list<SettlingRecord> settling_;
  Event last_accepted_;
  PastSuggestions past_{512};
};

}  // namespace strop::agent
