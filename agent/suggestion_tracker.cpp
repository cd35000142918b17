#include "agent/tracker_state.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <stdexcept>

#include "agent/followed_methods.h"

namespace strop::agent {
namespace {

using nlohmann::json;
using schema::Event;

constexpr std::size_t kMaxNotes = 256;
constexpr std::size_t kMaxEarly = 8;  // answers recorded a little before their requests
constexpr std::size_t kMaxEarlyBytes = 1u << 20;
constexpr int kMaxNesting = 128;

}  // namespace

std::vector<Event> SuggestionTracker::Impl::on_message(Direction direction, std::string_view body,
                                                       double t_ms) {
  advance(t_ms);
  ++counters_.messages;
  const lsp::Peeked peeked = lsp::peek(body);
  try {
    direction == Direction::kClientToServer ? from_client(peeked, body) : from_server(peeked, body);
  } catch (const std::exception&) {
    unreadable(peeked);
  }
  advance(now_);  // what it showed about an earlier moment is due already
  return take_out();
}

std::vector<Event> SuggestionTracker::Impl::on_time(double t_ms) {
  advance(t_ms);
  return take_out();
}

std::vector<Event> SuggestionTracker::Impl::on_drop(double t_ms) {
  advance(t_ms);
  ++counters_.drops;
  lose_step();
  advance(now_);
  return take_out();
}

std::vector<Event> SuggestionTracker::Impl::finish(double t_ms) {
  advance(t_ms);
  std::vector<std::string> uris;
  for (const auto& [uri, document] : documents_.all()) uris.push_back(uri);
  // A server or an agent that was killed ends in the middle of somebody's typing: what a text was
  // to become is then not known, and stays unsettled.
  for (const std::string& uri : uris) close_document(uri, left_in_order_);
  return take_out();
}

std::optional<double> SuggestionTracker::Impl::next_deadline() const {
  std::optional<double> next;
  const auto consider = [&next](double deadline) {
    if (deadline < std::numeric_limits<double>::infinity() && (!next || deadline < *next))
      next = deadline;
  };
  for (const InlineRecord& record : inlines_) consider(record.state.deadline());
  for (const PopupRecord& record : popups_) consider(record.state.deadline());
  for (const EditRecord& record : edits_) consider(edit_deadline(record));
  for (const SettlingRecord& record : settling_)
    if (const auto deadline = record.state.deadline()) consider(*deadline);
  return next;
}

void SuggestionTracker::Impl::note_provider(std::string_view request_id_json, ProviderNote note) {
  notes_.emplace_back(lsp::parse_id(request_id_json), std::move(note));
  if (notes_.size() > kMaxNotes) notes_.pop_front();
}

void SuggestionTracker::Impl::advance(double t_ms) {
  while (true) {
    const auto next = next_deadline();
    if (!next || *next > t_ms) break;
    now_ = std::max(now_, *next);
    tick();
  }
  now_ = std::max(now_, t_ms);
}

void SuggestionTracker::Impl::tick() {
  for (InlineRecord& record : inlines_)
    if (record.state.ready(now_)) conclude(record, false);
  for (auto popup = popups_.begin(); popup != popups_.end();) {
    const auto here = popup++;
    if (here->state.ready(now_)) conclude(here, false);
  }
  tick_edits();
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

void SuggestionTracker::Impl::from_client(const lsp::Peeked& peeked, std::string_view body) {
  if (peeked.kind == lsp::MessageKind::kResponse) {
    if (!edits_.empty())
      take_applied(peeked.id, field_of(field_of(read(body), "result"), "applied") == true);
    return;
  }
  if (peeked.kind == lsp::MessageKind::kUnknown) return;
  const std::string& method = peeked.method;
  if (followed(Direction::kClientToServer, method) == Followed::kNo) return;
  if (const auto handler = client_handlers().find(method); handler != client_handlers().end())
    return (this->*handler->second)(read(body), peeked);
  if (may_be_word(method)) {
    const json message = read(body);
    if (const auto word = read_editor_word(method, field_of(message, "params"))) take_word(*word);
  }
}

void SuggestionTracker::Impl::from_server(const lsp::Peeked& peeked, std::string_view body) {
  if (peeked.kind != lsp::MessageKind::kResponse &&
      followed(Direction::kServerToClient, peeked.method) == Followed::kNo)
    return;
  if (peeked.kind == lsp::MessageKind::kNotification) {
    if (peeked.method != "textDocument/publishDiagnostics") return;
    const json message = read(body);
    auto params = lsp::parse<lsp::PublishDiagnosticsParams>(field_of(message, "params"));
    params ? diagnostics_.publish(*params) : malformed();
    return;
  }
  if (peeked.kind == lsp::MessageKind::kRequest && peeked.method == "workspace/applyEdit")
    return on_apply_edit(read(body), peeked);
  if (peeked.kind != lsp::MessageKind::kResponse) return;
  auto entry = pending_.take(peeked.id);
  if (!entry) {
    // A recorder, or a tap of two threads, may see an answer a moment before its request.
    if (body.size() <= kMaxEarlyBytes) early_.push_back({peeked.id, std::string(body), now_});
    if (early_.size() > kMaxEarly) early_.pop_front();
    return;
  }
  if (followed(Direction::kClientToServer, entry->method) != Followed::kWithAnswer) return;
  answer(*entry, peeked.has_error, body);
}

nlohmann::json SuggestionTracker::Impl::read(std::string_view body) {
  if (nested_deeper_than(body, kMaxNesting)) throw std::runtime_error("nested too deeply");
  return json::parse(body);
}

void SuggestionTracker::Impl::unreadable(const lsp::Peeked& peeked) {
  malformed();
  // Which document it was about cannot be told: none can be relied on.
  if (peeked.method == "textDocument/didChange" || peeked.method == "textDocument/didOpen")
    lose_step();
}

auto SuggestionTracker::Impl::client_handlers()
    -> const std::map<std::string, Handler, std::less<>>& {
  static const std::map<std::string, Handler, std::less<>> kHandlers{
      {"initialize", &Impl::on_initialize},
      {"textDocument/didOpen", &Impl::on_open},
      {"textDocument/didChange", &Impl::on_change},
      {"textDocument/didSave", &Impl::on_save},
      {"textDocument/didClose", &Impl::on_close},
      {"shutdown", &Impl::on_leave},
      {"workspace/didRenameFiles", &Impl::on_rename},
      {"workspace/executeCommand", &Impl::on_command},
      {"$/cancelRequest", &Impl::on_cancel},
      {"textDocument/completion", &Impl::on_popup_request},
      {"textDocument/inlineCompletion", &Impl::on_inline_request},
      {"getCompletions", &Impl::on_inline_request},
      {"getCompletionsCycling", &Impl::on_inline_request},
      {"llm-ls/getCompletions", &Impl::on_inline_request},
      {"textDocument/codeAction", &Impl::on_edit_request},
      {"codeAction/resolve", &Impl::on_edit_request},
      {"textDocument/copilotInlineEdit", &Impl::on_edit_request},
      {"textDocument/signatureHelp", &Impl::on_cursor_request},
      {"textDocument/documentHighlight", &Impl::on_cursor_request},
      {"textDocument/formatting", &Impl::on_formatting_request},
      {"textDocument/rangeFormatting", &Impl::on_formatting_request},
      {"textDocument/onTypeFormatting", &Impl::on_formatting_request},
      {"textDocument/willSaveWaitUntil", &Impl::on_formatting_request}};
  return kHandlers;
}

SuggestionTracker::SuggestionTracker(TrackerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
SuggestionTracker::~SuggestionTracker() = default;
SuggestionTracker::SuggestionTracker(SuggestionTracker&&) noexcept = default;
SuggestionTracker& SuggestionTracker::operator=(SuggestionTracker&&) noexcept = default;

std::vector<schema::Event> SuggestionTracker::on_message(Direction direction, std::string_view body,
                                                         double t_ms) {
  return impl_->on_message(direction, body, t_ms);
}
std::vector<schema::Event> SuggestionTracker::on_time(double t_ms) { return impl_->on_time(t_ms); }
std::vector<schema::Event> SuggestionTracker::on_drop(double t_ms) { return impl_->on_drop(t_ms); }
std::vector<schema::Event> SuggestionTracker::finish(double t_ms) { return impl_->finish(t_ms); }
std::optional<double> SuggestionTracker::next_deadline() const { return impl_->next_deadline(); }
void SuggestionTracker::note_provider(std::string_view request_id_json, ProviderNote note) {
  impl_->note_provider(request_id_json, std::move(note));
}
const TrackerCounters& SuggestionTracker::counters() const { return impl_->counters(); }

}  // namespace strop::agent
