#include "agent/suggestion_tracker.h"

#include <algorithm>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <variant>

#include "agent/diagnostics_table.h"
#include "agent/dialects/editor_words.h"
#include "agent/dialects/inline_dialects.h"
#include "agent/dialects/json_text.h"
#include "agent/dialects/popup_dialect.h"
#include "agent/edit_judge.h"
#include "agent/inline_suggestion.h"
#include "agent/offer_context.h"
#include "agent/popup_list.h"
#include "agent/settling.h"
#include "lsp/documents.h"
#include "lsp/message.h"
#include "lsp/pending.h"
#include "lsp/types.h"

namespace strop::agent {
namespace {

using nlohmann::json;
using schema::Event;
using schema::OutcomeKind;

constexpr std::size_t kOfferedOfPopup = 20;
constexpr std::size_t kMaxPopupItems = 2'000;
constexpr std::size_t kMaxRemembered = 64;  // after their verdict, for an accept that is told late
constexpr std::size_t kMaxNames = 512;      // of one suggestion, over its re-offers
constexpr std::size_t kMaxNotes = 256;
constexpr std::size_t kMaxEarly = 8;  // answers recorded a little before their requests
constexpr std::size_t kMaxEarlyBytes = 1u << 20;
constexpr double kEarlyMs = 1'000;
constexpr int kMaxNesting = 128;
constexpr std::size_t kMaxFormattedBytes = 8u << 20;

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

// Line ends as the document has them.
std::string with_line_ends(std::string text, bool crlf) {
  if (!crlf || text.find('\n') == std::string::npos) return text;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

std::string indented(std::string_view text, std::string_view indentation) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += indentation;
  }
  return out;
}

struct InlineRecord {
  Event header;
  InlineSuggestion state;
  // The names by which editors speak of candidates, and the answers that offered them.
  std::vector<std::pair<std::string, std::size_t>> names;
  std::vector<std::pair<lsp::MessageId, std::map<std::size_t, std::size_t>>> answers;
  bool shown_told = false;
};

struct PopupRecord {
  Event header;
  PopupList state;
  std::vector<std::pair<std::string, int>> names;  // mark → rank
};

struct SettlingRecord {
  Event header;
  Settling state;
  bool corrected = false;
};

struct Asked {
  enum class What { kInitialize, kInline, kPopup, kFormatting };
  What what = What::kInitialize;
  InlineDialect dialect = InlineDialect::kLsp;
  std::string uri;
};

struct EarlyAnswer {
  lsp::MessageId id;
  std::string body;
  double t_ms = 0;
};

}  // namespace

class SuggestionTracker::Impl {
 public:
  explicit Impl(TrackerOptions options)
      : options_(std::move(options)), pending_(options_.max_pending) {}

  std::vector<Event> on_message(Direction direction, std::string_view body, double t_ms) {
    advance(t_ms);
    ++counters_.messages;
    const lsp::Peeked peeked = lsp::peek(body);
    try {
      direction == Direction::kClientToServer ? from_client(peeked, body)
                                              : from_server(peeked, body);
    } catch (const std::exception&) {
      unreadable(peeked);
    }
    return take_out();
  }

  std::vector<Event> on_time(double t_ms) {
    advance(t_ms);
    return take_out();
  }

  std::vector<Event> on_drop(double t_ms) {
    advance(t_ms);
    ++counters_.drops;
    lose_step();
    return take_out();
  }

  std::vector<Event> finish(double t_ms) {
    advance(t_ms);
    std::vector<std::string> uris;
    for (const auto& [uri, document] : documents_.all()) uris.push_back(uri);
    for (const std::string& uri : uris) close_document(uri);
    return take_out();
  }

  std::optional<double> next_deadline() const {
    std::optional<double> next;
    const auto consider = [&next](double deadline) {
      if (deadline < std::numeric_limits<double>::infinity() && (!next || deadline < *next))
        next = deadline;
    };
    for (const InlineRecord& record : inlines_) consider(record.state.deadline());
    for (const PopupRecord& record : popups_) consider(record.state.deadline());
    for (const SettlingRecord& record : settling_)
      if (const auto deadline = record.state.deadline()) consider(*deadline);
    return next;
  }

  void note_provider(std::string_view request_id_json, ProviderNote note) {
    notes_.emplace_back(lsp::parse_id(request_id_json), std::move(note));
    if (notes_.size() > kMaxNotes) notes_.pop_front();
  }

  const TrackerCounters& counters() const { return counters_; }

 private:
  // ---- time and events

  void advance(double t_ms) {
    while (true) {
      const auto next = next_deadline();
      if (!next || *next > t_ms) break;
      now_ = std::max(now_, *next);
      tick();
    }
    now_ = std::max(now_, t_ms);
  }

  void tick() {
    for (InlineRecord& record : inlines_)
      if (record.state.ready(now_)) conclude(record, false);
    for (auto popup = popups_.begin(); popup != popups_.end();) {
      const auto here = popup++;
      if (here->state.ready(now_)) conclude(here, false);
    }
    forget_concluded();
    for (auto record = settling_.begin(); record != settling_.end();) {
      const auto here = record++;
      const lsp::Document* document = documents_.find(here->header.uri);
      if (document == nullptr) {
        settling_.erase(here);
        continue;
      }
      if (auto state = here->state.check(document->text(), now_)) {
        tell_settled(*here, std::move(*state), *document);
        correct_deleted(*here, *document);
      }
      if (here->state.finished()) settling_.erase(here);
    }
  }

  std::vector<Event> take_out() { return std::exchange(out_, {}); }

  template <class Body>
  void tell(const Event& header, Body body) {
    Event event = header;
    event.t_ms = now_;
    event.body = std::move(body);
    out_.push_back(std::move(event));
  }

  // ---- what comes in

  void from_client(const lsp::Peeked& peeked, std::string_view body) {
    if (peeked.kind != lsp::MessageKind::kRequest && peeked.kind != lsp::MessageKind::kNotification)
      return;
    const std::string& method = peeked.method;
    if (const auto handler = client_handlers().find(method); handler != client_handlers().end())
      return (this->*handler->second)(read(body), peeked);
    if (may_be_word(method)) {
      const json message = read(body);
      if (const auto word = read_editor_word(method, field_of(message, "params"))) take_word(*word);
    }
  }

  void from_server(const lsp::Peeked& peeked, std::string_view body) {
    if (peeked.kind == lsp::MessageKind::kNotification) {
      if (peeked.method != "textDocument/publishDiagnostics") return;
      const json message = read(body);
      auto params = lsp::parse<lsp::PublishDiagnosticsParams>(field_of(message, "params"));
      params ? diagnostics_.publish(*params) : malformed();
      return;
    }
    if (peeked.kind != lsp::MessageKind::kResponse) return;
    auto entry = pending_.take(peeked.id);
    if (!entry) {
      // A recorder, or a tap of two threads, may see an answer a moment before its request.
      if (body.size() <= kMaxEarlyBytes) early_.push_back({peeked.id, std::string(body), now_});
      if (early_.size() > kMaxEarly) early_.pop_front();
      return;
    }
    answer(*entry, peeked.has_error, body);
  }

  using Handler = void (Impl::*)(const json&, const lsp::Peeked&);
  static const std::map<std::string, Handler, std::less<>>& client_handlers() {
    static const std::map<std::string, Handler, std::less<>> kHandlers{
        {"initialize", &Impl::on_initialize},
        {"textDocument/didOpen", &Impl::on_open},
        {"textDocument/didChange", &Impl::on_change},
        {"textDocument/didSave", &Impl::on_save},
        {"textDocument/didClose", &Impl::on_close},
        {"workspace/didRenameFiles", &Impl::on_rename},
        {"workspace/executeCommand", &Impl::on_command},
        {"$/cancelRequest", &Impl::on_cancel},
        {"textDocument/completion", &Impl::on_popup_request},
        {"textDocument/inlineCompletion", &Impl::on_inline_request},
        {"getCompletions", &Impl::on_inline_request},
        {"getCompletionsCycling", &Impl::on_inline_request},
        {"llm-ls/getCompletions", &Impl::on_inline_request},
        {"textDocument/signatureHelp", &Impl::on_cursor_request},
        {"textDocument/documentHighlight", &Impl::on_cursor_request},
        {"textDocument/formatting", &Impl::on_formatting_request},
        {"textDocument/rangeFormatting", &Impl::on_formatting_request},
        {"textDocument/onTypeFormatting", &Impl::on_formatting_request},
        {"textDocument/willSaveWaitUntil", &Impl::on_formatting_request}};
    return kHandlers;
  }

  // Throws what `unreadable` then counts.
  static json read(std::string_view body) {
    if (nested_deeper_than(body, kMaxNesting)) throw std::runtime_error("nested too deeply");
    return json::parse(body);
  }

  void malformed() { ++counters_.malformed; }

  void unreadable(const lsp::Peeked& peeked) {
    malformed();
    // Which document it was about cannot be told: none can be relied on.
    if (peeked.method == "textDocument/didChange" || peeked.method == "textDocument/didOpen")
      lose_step();
  }

  // ---- documents

  void on_initialize(const json&, const lsp::Peeked& peeked) { ask(peeked, {}); }

  void on_open(const json& message, const lsp::Peeked&) {
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

  std::size_t document_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [uri, document] : documents_.all()) bytes += document.text().size();
    return bytes;
  }

  void on_close(const json& message, const lsp::Peeked&) {
    auto params = lsp::parse<lsp::DidCloseTextDocumentParams>(field_of(message, "params"));
    if (!params) return malformed();
    close_document(params->textDocument.uri);
  }

  void on_save(const json& message, const lsp::Peeked&) {
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

  void on_rename(const json& message, const lsp::Peeked&) {
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
      renamed(settling_);
    }
  }

  void on_change(const json& message, const lsp::Peeked&) {
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

  void take_edits(const std::string& uri, std::vector<Edit> edits) {
    const lsp::Document& document = *documents_.find(uri);
    Notification notification{now_, std::move(edits), document.text(), habit_.lumps_keys()};
    bool by_popup = false;
    bool by_inline = false;
    bool in_parts = false;
    for (PopupRecord& record : popups_)
      if (record.header.uri == uri && record.state.take(notification) == Claim::kAccepted)
        by_popup = true;
    notification.chosen_in_popup = by_popup;
    std::vector<InlineRecord*> accepted;
    InlineRecord* shown = nullptr;
    for (InlineRecord& record : inlines_) {
      if (record.header.uri != uri) continue;
      const bool was_visible = record.state.visible();
      const Claim claim = record.state.take(notification);
      if (claim == Claim::kAccepted && by_popup) record.state.contest();
      if (claim == Claim::kAccepted) accepted.push_back(&record);
      if (claim == Claim::kAccepted && was_visible) shown = &record;
      in_parts = in_parts || claim == Claim::kPartial;
    }
    by_inline = !accepted.empty();
    // Of several that the text completes it is the one on the screen, or else the newest.
    for (InlineRecord* record : accepted)
      if (record != (shown != nullptr ? shown : accepted.back())) record->state.yield_match();
    if (by_inline && !by_popup) hide_siblings(uri);
    const std::vector<NaturalEdit> natural =
        judges_[uri].judge(notification, by_popup || by_inline || in_parts);
    habit_.learn(natural);
    watch(uri, natural, document);
    for (auto& entry : contexts_of(uri))
      for (const Edit& edit : notification.edits) entry->take(edit);
  }

  void hide_siblings(const std::string& uri) {
    for (PopupRecord& record : popups_)
      if (record.header.uri == uri) record.state.sibling_accepted(now_);
    for (InlineRecord& record : inlines_)
      if (record.header.uri == uri && record.state.visible()) record.state.sibling_accepted(now_);
  }

  void watch(const std::string& uri, const std::vector<NaturalEdit>& edits,
             const lsp::Document& document) {
    const std::string& text = document.text();
    for (SettlingRecord& record : settling_)
      if (record.header.uri == uri) record.state.take(edits, text, now_);
    const auto follow = [&](auto& record) {
      if (record.header.uri != uri) return;
      if (record.state.watch) record.state.watch->take(edits, text, now_);
      start_watch(record, document);
    };
    for (InlineRecord& record : inlines_) follow(record);
    for (PopupRecord& record : popups_) follow(record);
  }

  template <class Record>
  void start_watch(Record& record, const lsp::Document& document) {
    if (record.state.watch || !record.state.watch_wanted()) return;
    record.state.watch.emplace(record.state.watch_start(now_));
    record.state.watch->set_diagnostics_before(
        diagnostics_in(record.state.watch->range(), document));
  }

  schema::DiagnosticCounts diagnostics_in(TrackedRange range, const lsp::Document& document) const {
    const auto line = [&document](std::size_t offset) {
      return static_cast<std::uint32_t>(
          document.lines().line_of(std::min(offset, document.text().size())));
    };
    return diagnostics_.count(document.uri(), line(range.begin), line(range.end));
  }

  std::vector<OfferContext*> contexts_of(const std::string& uri) {
    std::vector<OfferContext*> out;
    for (auto& [id, context] : contexts_)
      if (context.uri() == uri) out.push_back(&context);
    return out;
  }

  void close_document(const std::string& uri) {
    const lsp::Document* document = documents_.find(uri);
    if (document == nullptr) return;
    for (InlineRecord& record : inlines_)
      if (record.header.uri == uri && !record.state.done()) conclude(record, true);
    for (auto popup = popups_.begin(); popup != popups_.end();) {
      const auto here = popup++;
      if (here->header.uri == uri) conclude(here, true);
    }
    for (auto record = settling_.begin(); record != settling_.end();) {
      const auto here = record++;
      if (here->header.uri != uri) continue;
      if (auto state = here->state.closed(document->text(), now_)) {
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

  // Suggestions that are concluded, and requests that wait, in a document that is gone or no longer
  // known.
  void forget_document(const std::string& uri) {
    std::erase_if(inlines_, [&uri](const InlineRecord& record) {
      return record.header.uri == uri && record.state.done();
    });
    std::erase_if(contexts_, [&uri](const auto& entry) { return entry.second.uri() == uri; });
  }

  // The document's text can no longer be relied on.
  void lose_step(const std::string& uri) {
    ++counters_.unsynced_documents;
    for (InlineRecord& record : inlines_)
      if (record.header.uri == uri && !record.state.done()) give_up(record);
    for (auto popup = popups_.begin(); popup != popups_.end();) {
      const auto here = popup++;
      if (here->header.uri == uri) give_up(here);
    }
    std::erase_if(settling_, [&uri](const SettlingRecord& r) { return r.header.uri == uri; });
    forget_document(uri);
    documents_.mark_unsynced(uri);
    judges_[uri] = EditJudge();
  }

  void lose_step() {
    std::vector<std::string> uris;
    for (const auto& [uri, document] : documents_.all()) uris.push_back(uri);
    for (const std::string& uri : uris) lose_step(uri);
    static_cast<void>(pending_.take_all());
    contexts_.clear();
    early_.clear();
  }

  // ---- requests and answers

  void ask(const lsp::Peeked& peeked, Asked asked) {
    if (peeked.kind != lsp::MessageKind::kRequest) return;
    auto displaced = pending_.add(peeked.id, peeked.method, std::move(asked));
    if (displaced) {
      ++counters_.displaced_requests;
      if (displaced->id != peeked.id) contexts_.erase(displaced->id);
    }
    std::erase_if(early_, [this](const EarlyAnswer& a) { return now_ - a.t_ms > kEarlyMs; });
    const auto early = std::find_if(early_.begin(), early_.end(),
                                    [&](const EarlyAnswer& a) { return a.id == peeked.id; });
    if (early == early_.end()) return;
    const std::string body = std::move(early->body);
    early_.erase(early);
    if (auto entry = pending_.take(peeked.id)) answer(*entry, lsp::peek(body).has_error, body);
  }

  void ask_here(const lsp::Peeked& peeked, Asked asked, const InlineRequest& request) {
    const lsp::Document* document = documents_.find(request.uri);
    if (document == nullptr || !document->synced()) return;
    asked.uri = request.uri;
    OfferContext context(*document, request.position, encoding_, now_);
    cursor_at(request.uri, context.cursor());
    contexts_.insert_or_assign(peeked.id, std::move(context));
    ask(peeked, std::move(asked));
  }

  void on_inline_request(const json& message, const lsp::Peeked& peeked) {
    Asked asked;
    asked.what = Asked::What::kInline;
    asked.dialect = inline_dialect_of(peeked.method).value_or(InlineDialect::kLsp);
    const auto request = read_inline_request(asked.dialect, field_of(message, "params"));
    if (!request) return malformed();
    ask_here(peeked, std::move(asked), *request);
  }

  void on_popup_request(const json& message, const lsp::Peeked& peeked) {
    Asked asked;
    asked.what = Asked::What::kPopup;
    const auto request = read_inline_request(InlineDialect::kLsp, field_of(message, "params"));
    if (!request) return malformed();
    ask_here(peeked, std::move(asked), *request);
  }

  void on_cursor_request(const json& message, const lsp::Peeked&) {
    const auto request = read_inline_request(InlineDialect::kLsp, field_of(message, "params"));
    if (!request) return malformed();
    const lsp::Document* document = documents_.find(request->uri);
    if (document == nullptr || !document->synced()) return;
    cursor_at(request->uri, document->offset_at(request->position).offset);
  }

  void on_formatting_request(const json& message, const lsp::Peeked& peeked) {
    Asked asked;
    asked.what = Asked::What::kFormatting;
    asked.uri = text_of(field_of(field_of(message, "params"), "textDocument"), "uri");
    if (documents_.find(asked.uri) != nullptr) ask(peeked, std::move(asked));
  }

  void on_cancel(const json& message, const lsp::Peeked&) {
    pending_.cancel(lsp::id_of(field_of(field_of(message, "params"), "id")));
  }

  // The editor's cursor is here: what is shown elsewhere is not seen any more.
  void cursor_at(const std::string& uri, std::size_t offset) {
    for (InlineRecord& record : inlines_) {
      if (!record.state.visible()) continue;
      if (record.header.uri == uri && record.state.cursor_at(offset)) continue;
      record.state.moved_away(now_);
      start_watch_of(record);
    }
    for (PopupRecord& record : popups_)
      if (record.header.uri != uri || record.state.document_cursor() != offset)
        record.state.moved_away(now_);
  }

  template <class Record>
  void start_watch_of(Record& record) {
    if (const lsp::Document* document = documents_.find(record.header.uri))
      start_watch(record, *document);
  }

  using Entry = lsp::PendingRequests<Asked>::Entry;

  void answer(const Entry& entry, bool has_error, std::string_view body) {
    OfferContext context;
    if (const auto found = contexts_.find(entry.id); found != contexts_.end()) {
      context = std::move(found->second);
      contexts_.erase(found);
    }
    const std::optional<ProviderNote> note = take_note(entry.id);
    if (has_error) return;
    const json message = read(body);
    const json& result = field_of(message, "result");
    if (entry.payload.what == Asked::What::kInitialize) return take_capabilities(result);
    const lsp::Document* document = documents_.find(entry.payload.uri);
    if (document == nullptr || !document->synced()) return;
    if (entry.payload.what == Asked::What::kFormatting) return take_formatting(result, *document);
    if (context.uri() != document->uri() || context.lost()) return;
    if (entry.payload.what == Asked::What::kPopup)
      take_popup(entry, result, context, *document);
    else
      take_inline(entry, result, context, *document, note);
  }

  std::optional<ProviderNote> take_note(const lsp::MessageId& id) {
    const auto found = std::find_if(notes_.begin(), notes_.end(),
                                    [&id](const auto& entry) { return entry.first == id; });
    if (found == notes_.end()) return std::nullopt;
    ProviderNote note = std::move(found->second);
    notes_.erase(found);
    return note;
  }

  void take_capabilities(const json& result) {
    server_ = text_of(field_of(result, "serverInfo"), "name");
    const std::string name = text_of(field_of(result, "capabilities"), "positionEncoding");
    encoding_ = lsp::encoding_from_name(name).value_or(lsp::Encoding::kUtf16);
    documents_.set_encoding(encoding_);
  }

  void take_formatting(const json& result, const lsp::Document& document) {
    const auto edits = lsp::parse<lsp::FormattingResult>(result);
    if (!edits) return malformed();
    if (!*edits || (*edits)->empty() || document.text().size() > kMaxFormattedBytes) return;
    std::vector<Edit> places;
    for (const lsp::TextEdit& edit : **edits) {
      const std::size_t begin = document.offset_at(edit.range.start).offset;
      const std::size_t end = document.offset_at(edit.range.end).offset;
      if (end < begin) return malformed();
      places.push_back({begin, std::string(end - begin, ' '), edit.newText});
    }
    std::stable_sort(places.begin(), places.end(),
                     [](const Edit& a, const Edit& b) { return a.start < b.start; });
    std::string expected;
    std::size_t from = 0;
    for (const Edit& place : places) {
      if (place.start < from) return malformed();  // overlapping edits
      expected.append(document.text(), from, place.start - from);
      expected += place.new_text;
      from = removed_end(place);
    }
    expected.append(document.text(), from);
    judges_[document.uri()].expect_formatting(expected, now_);
  }

  // ---- offers

  Event header_for(const lsp::Document& document, schema::Source source, std::string dialect,
                   const std::string& server) {
    Event header;
    header.suggestion = options_.id_prefix + std::to_string(++last_id_);
    header.uri = document.uri();
    header.language = document.language_id();
    header.server = server;
    header.source = source;
    header.dialect = std::move(dialect);
    return header;
  }

  void take_inline(const Entry& entry, const json& result, const OfferContext& context,
                   const lsp::Document& document, const std::optional<ProviderNote>& note) {
    auto offers = read_inline_answer(entry.payload.dialect, result);
    if (!offers) return malformed();
    const bool outrun = context.outrun() || entry.cancelled;
    const bool crlf = document.text().find("\r\n") != std::string::npos;
    std::vector<InlineItem> items;
    std::vector<const OfferedInline*> taken;
    schema::Offered offered;
    for (OfferedInline& offer : *offers) {
      if (items.size() >= options_.max_candidates) break;
      const auto place =
          offer.range ? context.place_of(*offer.range, document) : context.nothing_there();
      if (!place) continue;
      offer.text = with_line_ends(std::move(offer.text), crlf);
      schema::Candidate candidate{offer.text, place->replaces, static_cast<int>(items.size()), {}};
      if (note && offer.index < note->logprobs.size())
        candidate.logprob = note->logprobs[offer.index];
      offered.candidates.push_back(std::move(candidate));
      items.push_back({offer.text, place->begin, place->end});
      taken.push_back(&offer);
    }
    if (items.empty()) {
      if (!outrun) supersede(document.uri(), context.cursor());
      return;
    }
    InlineRecord* record = continued(document, items, context.cursor());
    std::vector<std::size_t> indices;
    if (record != nullptr) {
      indices = record->state.take_reoffer(items, now_, outrun);
    } else {
      if (!outrun) supersede(document.uri(), context.cursor());
      record = &open_inline(items, *taken.front(), context, document, note, std::move(offered));
      for (std::size_t i = 0; i < items.size(); ++i) indices.push_back(i);
      if (outrun)
        record->state.outrun(now_);
      else if (record->state.displayable() && !editor_tells_shown_)
        record->state.show(now_);
    }
    name(*record, entry.id, taken, indices);
    tell_shown(*record);
    start_watch_of(*record);
  }

  InlineRecord* continued(const lsp::Document& document, const std::vector<InlineItem>& items,
                          std::size_t cursor) {
    for (auto record = inlines_.rbegin(); record != inlines_.rend(); ++record)
      if (record->header.uri == document.uri() &&
          record->state.continued_by(items, document.text(), cursor))
        return &*record;
    return nullptr;
  }

  InlineRecord& open_inline(const std::vector<InlineItem>& items, const OfferedInline& first,
                            const OfferContext& context, const lsp::Document& document,
                            const std::optional<ProviderNote>& note, schema::Offered offered) {
    make_room();
    context.fill(offered);
    offered.latency_ms = now_ - context.asked_ms();
    if (note) {
      offered.prompt = schema::PromptKind::kExact;
      if (!note->prompt_hash.empty()) offered.prompt_hash = note->prompt_hash;
      offered.model = note->model;
      offered.arm = note->arm;
      offered.latency_ms = note->latency_ms.value_or(offered.latency_ms);
    }
    Event header =
        header_for(document, schema::Source::kInline, first.dialect, note ? note->server : server_);
    InlineSuggestion state(header.suggestion, items, document.text(), context.cursor(), now_);
    inlines_.push_back({std::move(header), std::move(state), {}, {}, false});
    tell(inlines_.back().header, std::move(offered));
    return inlines_.back();
  }

  static void name(InlineRecord& record, const lsp::MessageId& id,
                   const std::vector<const OfferedInline*>& offers,
                   const std::vector<std::size_t>& indices) {
    std::map<std::size_t, std::size_t> by_index;
    for (std::size_t i = 0; i < offers.size(); ++i) {
      by_index[offers[i]->index] = indices[i];
      if (record.names.size() >= kMaxNames) continue;
      if (!offers[i]->command.empty()) record.names.emplace_back(offers[i]->command, indices[i]);
      if (!offers[i]->mark.empty()) record.names.emplace_back(offers[i]->mark, indices[i]);
    }
    if (record.answers.size() < kMaxNames) record.answers.emplace_back(id, std::move(by_index));
  }

  void tell_shown(InlineRecord& record) {
    if (record.shown_told || !record.state.visible()) return;
    record.shown_told = true;
    tell(record.header, schema::Shown{schema::Presence::kPresumed});
  }

  // A new answer has come for this place: what was shown before is not any more.
  void supersede(const std::string& uri, std::size_t cursor) {
    for (InlineRecord& record : inlines_) {
      if (record.state.done() || record.state.matched()) continue;
      if (record.header.uri == uri && record.state.document_cursor() == cursor)
        record.state.replaced(now_);
      else if (record.state.visible())
        record.state.moved_away(now_);
      start_watch_of(record);
    }
  }

  void take_popup(const Entry& entry, const json& result, const OfferContext& context,
                  const lsp::Document& document) {
    auto answer = read_popup_answer(result, kMaxPopupItems);
    if (!answer) return malformed();
    if (entry.cancelled || answer->items.empty()) return;
    const bool crlf = document.text().find("\r\n") != std::string::npos;
    const std::string indentation = context.indentation();
    std::vector<PopupItem> items;
    std::vector<std::pair<std::string, int>> names;
    schema::Offered offered;
    int rank = -1;
    for (const OfferedPopup& offer : answer->items) {
      ++rank;
      const auto insert =
          offer.insert ? context.place_of(*offer.insert, document) : context.word_before();
      const auto replace = offer.replace ? context.place_of(*offer.replace, document) : insert;
      if (!insert || !replace || insert->begin > context.cursor()) continue;
      std::string text = with_line_ends(offer.text, crlf);
      if (!offer.mark.empty() && names.size() < kMaxNames) names.emplace_back(offer.mark, rank);
      if (offered.candidates.size() < kOfferedOfPopup)
        offered.candidates.push_back({text, replace->replaces, rank, {}});
      PopupItem item{text, insert->begin, insert->end, replace->end, rank};
      const bool indents =
          offer.adjusts_indentation && !indentation.empty() && text.find('\n') != std::string::npos;
      items.push_back(item);
      if (!indents) continue;
      item.text = indented(text, indentation);
      items.push_back(std::move(item));
    }
    if (items.empty()) return;
    for (PopupRecord& record : popups_)
      if (record.header.uri == document.uri() && record.state.continued_by(items, context.cursor()))
        return;
    for (PopupRecord& record : popups_)
      if (!record.state.matched()) record.state.replaced(now_);
    make_room();
    context.fill(offered);
    offered.latency_ms = now_ - context.asked_ms();
    Event header = header_for(document, schema::Source::kPopup, answer->dialect, server_);
    PopupList state(header.suggestion, std::move(items), document.text(), context.cursor(), now_);
    popups_.push_back({std::move(header), std::move(state), std::move(names)});
    tell(popups_.back().header, std::move(offered));
    tell(popups_.back().header, schema::Shown{schema::Presence::kPresumed});
  }

  void make_room() {
    std::size_t open = popups_.size();
    for (const InlineRecord& record : inlines_) open += record.state.done() ? 0 : 1;
    if (open < options_.max_open) return;
    ++counters_.displaced_suggestions;
    const auto oldest = std::find_if(inlines_.begin(), inlines_.end(),
                                     [](const InlineRecord& r) { return !r.state.done(); });
    if (oldest != inlines_.end())
      give_up(*oldest);
    else
      give_up(popups_.begin());
    forget_concluded();
  }

  // ---- the editor's word

  void on_command(const json& message, const lsp::Peeked&) {
    const json& params = field_of(message, "params");
    const std::string command = text_of(params, "command");
    if (!options_.accept_command.empty() && command == options_.accept_command)
      return take_wrapped(field_of(params, "arguments"));
    const std::string key = command_key(params);
    if (key.empty()) return;
    if (auto [record, candidate] = named(key); record != nullptr)
      accepted(*record, candidate, schema::Evidence::kCommand);
  }

  void take_wrapped(const json& arguments) {
    if (!arguments.is_array() || arguments.empty()) return malformed();
    const lsp::MessageId id = lsp::id_of(field_of(arguments[0], "request"));
    const json& item = field_of(arguments[0], "item");
    if (std::holds_alternative<std::nullptr_t>(id) || !item.is_number_unsigned())
      return malformed();
    const auto index = item.get<std::size_t>();
    for (auto record = inlines_.rbegin(); record != inlines_.rend(); ++record)
      for (auto offer = record->answers.rbegin(); offer != record->answers.rend(); ++offer)
        if (offer->first == id) {
          const auto candidate = offer->second.find(index);
          if (candidate != offer->second.end())
            accepted(*record, candidate->second, schema::Evidence::kCommand);
          return;
        }
  }

  // The newest suggestion of that name; one whose text has just come goes before the others.
  std::pair<InlineRecord*, std::size_t> named(const std::string& name) {
    std::pair<InlineRecord*, std::size_t> best{nullptr, 0};
    for (auto record = inlines_.rbegin(); record != inlines_.rend(); ++record) {
      const auto found = std::find_if(record->names.rbegin(), record->names.rend(),
                                      [&name](const auto& entry) { return entry.first == name; });
      if (found == record->names.rend()) continue;
      if (record->state.matched()) return {&*record, found->second};
      if (best.first == nullptr || (best.first->state.done() && !record->state.done()))
        best = {&*record, found->second};
    }
    return best;
  }

  void accepted(InlineRecord& record, std::size_t candidate, schema::Evidence evidence) {
    const bool late = record.state.done();
    record.state.told_accepted(candidate, evidence, now_);
    for (PopupRecord& popup : popups_)
      if (popup.header.uri == record.header.uri && popup.state.matched() &&
          record.state.matched() && popup.state.matched_ms() == record.state.matched_ms())
        popup.state.lose_match(now_);
    start_watch_of(record);
    if (late) return correct_late(record);
    if (record.state.ready(now_)) {
      conclude(record, false);
      forget_concluded();
    }
  }

  // An accept that is told after another verdict was given.
  void correct_late(InlineRecord& record) {
    if (record.state.judged() == OutcomeKind::kAccepted) return;
    schema::Outcome outcome = record.state.verdict(now_, false);
    outcome.corrects = std::string(schema::to_word(record.state.judged()));
    record.state.set_judged(outcome.outcome);
    std::erase_if(settling_, [&record](const SettlingRecord& settling) {
      return settling.header.suggestion == record.header.suggestion;
    });
    tell(record.header, std::move(outcome));
    record.state.watch.emplace(record.state.watch_start(now_));
    settle(record.header, record.state.watch);
  }

  void take_word(const EditorWord& word) {
    if (word.kind == EditorWord::Kind::kRated) return rate(word);
    std::vector<std::string> names = word.marks;
    if (!word.command.empty()) names.push_back(word.command);
    for (const std::string& mark : names) {
      if (auto [record, candidate] = named(mark); record != nullptr)
        tell_inline(*record, word.item.value_or(candidate), word);
      tell_popup(mark, word);
    }
    if (names.empty() && !word.text.empty()) tell_by_text(word);
  }

  void tell_by_text(const EditorWord& word) {
    for (auto record = inlines_.rbegin(); record != inlines_.rend(); ++record)
      if (const auto candidate = record->state.candidate_of_text(word.text);
          candidate && !record->state.done())
        return tell_inline(*record, *candidate, word);
  }

  void tell_inline(InlineRecord& record, std::size_t candidate, const EditorWord& word) {
    switch (word.kind) {
      case EditorWord::Kind::kShown:
        editor_tells_shown_ = true;
        if (record.state.done() || record.state.matched()) return;
        record.state.show(now_);
        record.shown_told = true;
        return tell(record.header, schema::Shown{schema::Presence::kRendered});
      case EditorWord::Kind::kPartial:
        return record.state.told_partial(candidate, word.utf16_units, now_);
      case EditorWord::Kind::kAccepted:
        return accepted(record, candidate, schema::Evidence::kEditor);
      case EditorWord::Kind::kDismissed:
        record.state.told_dismissed(now_);
        return start_watch_of(record);
      case EditorWord::Kind::kRated:
        return;
    }
  }

  void tell_popup(const std::string& mark, const EditorWord& word) {
    for (auto record = popups_.rbegin(); record != popups_.rend(); ++record) {
      const auto found = std::find_if(record->names.begin(), record->names.end(),
                                      [&mark](const auto& entry) { return entry.first == mark; });
      if (found == record->names.end()) continue;
      if (word.kind == EditorWord::Kind::kAccepted)
        record->state.told_accepted(found->second, now_);
      if (word.kind == EditorWord::Kind::kDismissed) record->state.told_dismissed(now_);
      return start_watch_of(*record);
    }
  }

  void rate(const EditorWord& word) {
    const std::string& id = word.suggestion.empty() ? last_accepted_.suggestion : word.suggestion;
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
    rated(last_accepted_);
  }

  // ---- verdicts and what comes after

  void conclude(InlineRecord& record, bool closed) {
    schema::Outcome outcome = record.state.verdict(now_, closed);
    const OutcomeKind kind = outcome.outcome;
    const bool sibling = outcome.how == schema::How::kSibling;
    record.state.finish();
    record.state.set_judged(kind);
    tell(record.header, std::move(outcome));
    if (kind == OutcomeKind::kAccepted) last_accepted_ = record.header;
    if (sibling || !settles(kind, schema::Source::kInline)) return record.state.watch.reset();
    if (!record.state.watch || record.state.watch->accepted() != (kind != OutcomeKind::kDismissed &&
                                                                  kind != OutcomeKind::kIgnored))
      record.state.watch.emplace(record.state.watch_start(now_));
    settle(record.header, record.state.watch);
  }

  void conclude(std::list<PopupRecord>::iterator popup, bool closed) {
    schema::Outcome outcome = popup->state.verdict(now_, closed);
    const OutcomeKind kind = outcome.outcome;
    tell(popup->header, std::move(outcome));
    if (kind == OutcomeKind::kAccepted) last_accepted_ = popup->header;
    if (settles(kind, schema::Source::kPopup) && popup->state.watch_wanted()) {
      if (!popup->state.watch) popup->state.watch.emplace(popup->state.watch_start(now_));
      settle(popup->header, popup->state.watch);
    }
    popups_.erase(popup);
  }

  void settle(const Event& header, std::optional<Settling>& watch) {
    settling_.push_back({header, std::move(*watch), false});
    watch.reset();
    if (settling_.size() <= options_.max_settling) return;
    ++counters_.displaced_settling;
    settling_.pop_front();
  }

  void give_up(InlineRecord& record) {
    record.state.finish();
    record.state.watch.reset();
    record.state.set_judged(OutcomeKind::kUnknown);
    tell(record.header, unknown());
  }

  void give_up(std::list<PopupRecord>::iterator popup) {
    tell(popup->header, unknown());
    popups_.erase(popup);
  }

  static schema::Outcome unknown() {
    schema::Outcome outcome;
    outcome.outcome = OutcomeKind::kUnknown;
    outcome.evidence = schema::Evidence::kState;
    return outcome;
  }

  void forget_concluded() {
    std::size_t done = 0;
    for (const InlineRecord& record : inlines_) done += record.state.done() ? 1 : 0;
    for (auto record = inlines_.begin(); done > kMaxRemembered && record != inlines_.end();) {
      const auto here = record++;
      if (!here->state.done()) continue;
      inlines_.erase(here);
      --done;
    }
  }

  void tell_settled(SettlingRecord& record, schema::Settled state, const lsp::Document& document) {
    const TrackedRange now = record.state.range();
    state.diagnostics_after = diagnostics_in(
        {now.begin, std::max(now.begin, std::min(now.end, now.begin + state.text.size()))},
        document);
    tell(record.header, std::move(state));
  }

  // Accepted, and soon taken out again by hand.
  void correct_deleted(SettlingRecord& record, const lsp::Document& document) {
    if (record.corrected || record.header.source != schema::Source::kInline ||
        !record.state.deleted(document.text()))
      return;
    record.corrected = true;
    schema::Outcome outcome;
    outcome.outcome = OutcomeKind::kDismissed;
    outcome.how = schema::How::kDeleted;
    outcome.evidence = schema::Evidence::kState;
    outcome.confidence = 0.7;
    outcome.corrects = std::string(schema::to_word(OutcomeKind::kAccepted));
    for (InlineRecord& mine : inlines_)
      if (mine.header.suggestion == record.header.suggestion)
        mine.state.set_judged(OutcomeKind::kDismissed);
    tell(record.header, std::move(outcome));
  }

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

  std::uint64_t last_id_ = 0;
  std::list<InlineRecord> inlines_;  // open ones, and the last that are concluded
  std::list<PopupRecord> popups_;    // open ones
  std::list<SettlingRecord> settling_;
  Event last_accepted_;
};

SuggestionTracker::SuggestionTracker(TrackerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
SuggestionTracker::~SuggestionTracker() = default;
SuggestionTracker::SuggestionTracker(SuggestionTracker&&) noexcept = default;
SuggestionTracker& SuggestionTracker::operator=(SuggestionTracker&&) noexcept = default;

std::vector<Event> SuggestionTracker::on_message(Direction direction, std::string_view body,
                                                 double t_ms) {
  return impl_->on_message(direction, body, t_ms);
}
std::vector<Event> SuggestionTracker::on_time(double t_ms) { return impl_->on_time(t_ms); }
std::vector<Event> SuggestionTracker::on_drop(double t_ms) { return impl_->on_drop(t_ms); }
std::vector<Event> SuggestionTracker::finish(double t_ms) { return impl_->finish(t_ms); }
std::optional<double> SuggestionTracker::next_deadline() const { return impl_->next_deadline(); }
void SuggestionTracker::note_provider(std::string_view request_id_json, ProviderNote note) {
  impl_->note_provider(request_id_json, std::move(note));
}
const TrackerCounters& SuggestionTracker::counters() const { return impl_->counters(); }

}  // namespace strop::agent
