#include "agent/tracker_state.h"

#include <algorithm>

#include "agent/dialects/popup_dialect.h"

namespace strop::agent {
namespace {

using nlohmann::json;
using schema::Event;

constexpr std::size_t kOfferedOfPopup = 20;
constexpr std::size_t kMaxPopupItems = 2'000;
constexpr std::size_t kMaxNames = 512;  // of one suggestion, over its re-offers
constexpr double kEarlyMs = 1'000;
constexpr std::size_t kMaxFormattedBytes = 8u << 20;

// What is the same of all candidates is told of the suggestion.
void tell_propensity(schema::Offered& offered) {
  const std::optional<double> first = offered.candidates.front().propensity;
  const auto same = [&first](const schema::Candidate& one) { return one.propensity == first; };
  if (!std::all_of(offered.candidates.begin(), offered.candidates.end(), same)) return;
  offered.propensity = first;
  for (schema::Candidate& candidate : offered.candidates) candidate.propensity.reset();
}

std::string indented(std::string_view text, std::string_view indentation) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += indentation;
  }
  return out;
}

}  // namespace

void SuggestionTracker::Impl::ask(const lsp::Peeked& peeked, Asked asked) {
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

void SuggestionTracker::Impl::ask_here(const lsp::Peeked& peeked, Asked asked,
                                       const InlineRequest& request) {
  const lsp::Document* document = documents_.find(request.uri);
  if (document == nullptr || !document->synced()) return;
  asked.uri = request.uri;
  OfferContext context(*document, request.position, encoding_, now_);
  cursor_at(request.uri, context.cursor());
  contexts_.insert_or_assign(peeked.id, std::move(context));
  ask(peeked, std::move(asked));
}

void SuggestionTracker::Impl::on_inline_request(const json& message, const lsp::Peeked& peeked) {
  Asked asked;
  asked.what = Asked::What::kInline;
  asked.dialect = inline_dialect_of(peeked.method).value_or(InlineDialect::kLsp);
  const auto request = read_inline_request(asked.dialect, field_of(message, "params"));
  if (!request) return malformed();
  ask_here(peeked, std::move(asked), *request);
}

void SuggestionTracker::Impl::on_popup_request(const json& message, const lsp::Peeked& peeked) {
  Asked asked;
  asked.what = Asked::What::kPopup;
  const auto request = read_inline_request(InlineDialect::kLsp, field_of(message, "params"));
  if (!request) return malformed();
  ask_here(peeked, std::move(asked), *request);
}

void SuggestionTracker::Impl::on_cursor_request(const json& message, const lsp::Peeked&) {
  const auto request = read_inline_request(InlineDialect::kLsp, field_of(message, "params"));
  if (!request) return malformed();
  const lsp::Document* document = documents_.find(request->uri);
  if (document == nullptr || !document->synced()) return;
  cursor_at(request->uri, document->offset_at(request->position).offset);
}

void SuggestionTracker::Impl::on_formatting_request(const json& message,
                                                    const lsp::Peeked& peeked) {
  Asked asked;
  asked.what = Asked::What::kFormatting;
  asked.uri = text_of(field_of(field_of(message, "params"), "textDocument"), "uri");
  if (documents_.find(asked.uri) != nullptr) ask(peeked, std::move(asked));
}

void SuggestionTracker::Impl::on_cancel(const json& message, const lsp::Peeked&) {
  pending_.cancel(lsp::id_of(field_of(field_of(message, "params"), "id")));
}

void SuggestionTracker::Impl::cursor_at(const std::string& uri, std::size_t offset) {
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

void SuggestionTracker::Impl::answer(const Entry& entry, bool has_error, std::string_view body) {
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
  if (entry.payload.what == Asked::What::kAction)
    return take_actions(result, entry.method == "codeAction/resolve");
  const lsp::Document* document = documents_.find(entry.payload.uri);
  if (document == nullptr || !document->synced()) return;
  if (entry.payload.what == Asked::What::kFormatting) return take_formatting(result, *document);
  if (entry.payload.what == Asked::What::kInlineEdit) return take_inline_edits(result, *document);
  if (context.uri() != document->uri() || context.lost()) return;
  if (entry.payload.what == Asked::What::kPopup)
    take_popup(entry, result, context, *document);
  else
    take_inline(entry, result, context, *document, note);
}

std::optional<ProviderNote> SuggestionTracker::Impl::take_note(const lsp::MessageId& id) {
  const auto found = std::find_if(notes_.begin(), notes_.end(),
                                  [&id](const auto& entry) { return entry.first == id; });
  if (found == notes_.end()) return std::nullopt;
  ProviderNote note = std::move(found->second);
  notes_.erase(found);
  return note;
}

void SuggestionTracker::Impl::take_capabilities(const json& result) {
  server_ = text_of(field_of(result, "serverInfo"), "name");
  if (server_.empty()) server_ = options_.server_name;
  const std::string name = text_of(field_of(result, "capabilities"), "positionEncoding");
  encoding_ = lsp::encoding_from_name(name).value_or(lsp::Encoding::kUtf16);
  documents_.set_encoding(encoding_);
}

void SuggestionTracker::Impl::take_formatting(const json& result, const lsp::Document& document) {
  const auto edits = lsp::parse<lsp::FormattingResult>(result);
  if (!edits) return malformed();
  if (!*edits || (*edits)->empty() || document.text().size() > kMaxFormattedBytes) return;
  const bool crlf = document.text().find("\r\n") != std::string::npos;
  std::vector<Edit> places;
  for (const lsp::TextEdit& edit : **edits) {
    const std::size_t begin = document.offset_at(edit.range.start).offset;
    const std::size_t end = document.offset_at(edit.range.end).offset;
    if (end < begin) return malformed();
    places.push_back({begin, std::string(end - begin, ' '), with_line_ends(edit.newText, crlf)});
  }
  expect_formatting(document, std::move(places));
}

void SuggestionTracker::Impl::expect_formatting(const lsp::Document& document,
                                                std::vector<Edit> places) {
  if (document.text().size() > kMaxFormattedBytes) return;
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

Event SuggestionTracker::Impl::header_for(const lsp::Document& document, schema::Source source,
                                          std::string dialect, const std::string& server) {
  Event header;
  header.suggestion = options_.id_prefix + std::to_string(++last_id_);
  header.uri = document.uri();
  header.language = document.language_id();
  header.server = server;
  header.source = source;
  header.dialect = std::move(dialect);
  return header;
}

void SuggestionTracker::Impl::take_inline(const Entry& entry, const json& result,
                                          const OfferContext& context,
                                          const lsp::Document& document,
                                          const std::optional<ProviderNote>& note) {
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
    if (note && offer.index < note->propensities.size())
      candidate.propensity = note->propensities[offer.index];
    offered.candidates.push_back(std::move(candidate));
    items.push_back({offer.text, place->begin, place->end});
    taken.push_back(&offer);
  }
  if (items.empty()) {
    if (!outrun) supersede(document.uri(), context.cursor());
    return;
  }
  InlineRecord* record = continued(document, items, context.cursor());
  std::vector<NamedItem> named;
  if (record != nullptr) {
    named = record->state.take_reoffer(items, now_, outrun);
  } else {
    if (!outrun) supersede(document.uri(), context.cursor());
    record = &open_inline(items, *taken.front(), context, document, note, std::move(offered));
    named = record->state.named_items();
    if (outrun)
      record->state.outrun(now_);
    else if (record->state.displayable() && !editor_tells_shown_)
      record->state.show(now_);
  }
  name(*record, entry.id, taken, named);
  tell_shown(*record);
  start_watch_of(*record);
}

InlineRecord* SuggestionTracker::Impl::continued(const lsp::Document& document,
                                                 const std::vector<InlineItem>& items,
                                                 std::size_t cursor) {
  for (auto record = inlines_.rbegin(); record != inlines_.rend(); ++record)
    if (record->header.uri == document.uri() &&
        record->state.continued_by(items, document.text(), cursor))
      return &*record;
  return nullptr;
}

InlineRecord& SuggestionTracker::Impl::open_inline(const std::vector<InlineItem>& items,
                                                   const OfferedInline& first,
                                                   const OfferContext& context,
                                                   const lsp::Document& document,
                                                   const std::optional<ProviderNote>& note,
                                                   schema::Offered offered) {
  make_room();
  context.fill(offered);
  offered.latency_ms = now_ - context.asked_ms();
  if (note) {
    if (note->exact) offered.prompt = schema::PromptKind::kExact;
    if (!note->prompt_hash.empty()) offered.prompt_hash = note->prompt_hash;
    offered.model = note->model;
    offered.arm = note->arm;
    tell_propensity(offered);
    offered.latency_ms = note->latency_ms.value_or(offered.latency_ms);
  }
  Event header =
      header_for(document, schema::Source::kInline, first.dialect, note ? note->server : server_);
  InlineSuggestion state(header.suggestion, items, document.text(), context.cursor(), now_);
  inlines_.push_back({std::move(header), std::move(state), {}, {}});
  tell(inlines_.back().header, std::move(offered));
  return inlines_.back();
}

void SuggestionTracker::Impl::name(InlineRecord& record, const lsp::MessageId& id,
                                   const std::vector<const OfferedInline*>& offers,
                                   const std::vector<NamedItem>& items) {
  std::map<std::size_t, NamedItem> by_index;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    by_index[offers[i]->index] = items[i];
    if (record.names.size() >= kMaxNames) continue;
    if (!offers[i]->command.empty()) record.names.emplace_back(offers[i]->command, items[i]);
    if (!offers[i]->mark.empty()) record.names.emplace_back(offers[i]->mark, items[i]);
  }
  if (record.answers.size() < kMaxNames) record.answers.emplace_back(id, std::move(by_index));
}

void SuggestionTracker::Impl::tell_shown(InlineRecord& record) {
  if (record.shown_told || !record.state.visible()) return;
  record.shown_told = true;
  tell(record.header, schema::Shown{schema::Presence::kPresumed});
}

void SuggestionTracker::Impl::supersede(const std::string& uri, std::size_t cursor) {
  for (InlineRecord& record : inlines_) {
    if (record.state.done() || record.state.matched()) continue;
    if (record.header.uri == uri && record.state.document_cursor() == cursor)
      record.state.replaced(now_);
    else if (record.state.visible())
      record.state.moved_away(now_);
    start_watch_of(record);
  }
}

void SuggestionTracker::Impl::take_popup(const Entry& entry, const json& result,
                                         const OfferContext& context,
                                         const lsp::Document& document) {
  auto answer = read_popup_answer(result, kMaxPopupItems);
  if (!answer) return malformed();
  if (entry.cancelled) return;
  if (answer->items.empty()) {  // the list of before is not shown there any more
    for (PopupRecord& record : popups_)
      if (!context.outrun() && record.header.uri == document.uri() &&
          record.state.document_cursor() == context.cursor())
        record.state.replaced(now_);
    return;
  }
  const bool crlf = document.text().find("\r\n") != std::string::npos;
  const std::string indentation = context.indentation();
  std::vector<PopupItem> items;
  std::vector<std::pair<std::string, int>> names;
  schema::Offered offered;
  int rank = -1;
  for (const OfferedPopup& offer : answer->items) {
    ++rank;
    const auto insert =
        offer.insert ? context.place_of(*offer.insert, document) : context.word_before(offer.text);
    const auto replace = offer.replace ? context.place_of(*offer.replace, document) : insert;
    if (!insert || !replace || insert->begin > context.cursor()) continue;
    std::string text = with_line_ends(offer.text, crlf);
    if (!offer.mark.empty() && names.size() < kMaxNames) names.emplace_back(offer.mark, rank);
    if (offered.candidates.size() < kOfferedOfPopup)
      offered.candidates.push_back({text, replace->replaces, rank, {}});
    PopupItem item{text, insert->begin, insert->end, replace->end, rank, offer.filter};
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
  for (PopupRecord& record : popups_) record.state.replaced(now_);
  make_room();
  context.fill(offered);
  offered.latency_ms = now_ - context.asked_ms();
  Event header = header_for(document, schema::Source::kPopup, answer->dialect, server_);
  PopupList state(header.suggestion, std::move(items), document.text(), context.cursor(), now_);
  popups_.push_back({std::move(header), std::move(state), std::move(names)});
  tell(popups_.back().header, std::move(offered));
  tell(popups_.back().header, schema::Shown{schema::Presence::kPresumed});
}

void SuggestionTracker::Impl::make_room() {
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

}  // namespace strop::agent
