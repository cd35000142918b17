#include "agent/provider/editor_documents.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/offer_context.h"
#include "agent/raw_json.h"
#include "lsp/types.h"

namespace strop::agent {
namespace {

using nlohmann::json;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

std::string_view rest_of_line(const lsp::Document& document, const lsp::Position& position) {
  const std::size_t cursor = document.offset_at(position).offset;
  const std::size_t line = document.lines().line_of(cursor);
  const std::string_view text = document.lines().line_text(document.text(), line);
  return text.substr(std::min(cursor - document.lines().line_start(line), text.size()));
}

json params_of(std::string_view body) {
  const json message = json::parse(body, nullptr, /*allow_exceptions=*/false);
  return message.is_object() ? message.value("params", json()) : json();
}

}  // namespace

void EditorDocuments::note(std::string_view method, std::string_view body) {
  if (method == "textDocument/didOpen" || method == "textDocument/didChange" ||
      method == "textDocument/didClose")
    noted_.push_back({std::string(method), std::string(body)});
}

void EditorDocuments::catch_up() {
  store_.set_encoding(encoding_.load());
  for (const Noted& noted : noted_) read(noted);
  noted_.clear();
}

void EditorDocuments::lose() {
  catch_up();
  store_.mark_all_unsynced();
}

void EditorDocuments::read(const Noted& noted) {
  const json params = params_of(noted.body);
  if (noted.method == "textDocument/didOpen") {
    if (auto open = lsp::parse<lsp::DidOpenTextDocumentParams>(params))
      store_.open(std::move(open->textDocument));
  } else if (noted.method == "textDocument/didClose") {
    if (const auto close = lsp::parse<lsp::DidCloseTextDocumentParams>(params))
      store_.close(close->textDocument.uri);
  } else if (const auto change = lsp::parse<lsp::DidChangeTextDocumentParams>(params)) {
    // What does not fit leaves the document unsynced, and nothing is asked about it then.
    static_cast<void>(store_.change(*change));
  } else {
    store_.mark_all_unsynced();  // a change of who knows what
  }
}

std::optional<InlineAsk> EditorDocuments::around_cursor(std::string_view request,
                                                        std::string_view request_id) {
  catch_up();
  const auto params = lsp::parse<lsp::InlineCompletionParams>(params_of(request));
  if (!params) return std::nullopt;
  const lsp::Document* document = store_.find(params->textDocument.uri);
  if (document == nullptr || !document->synced()) return std::nullopt;
  schema::Offered context;
  OfferContext(*document, params->position, store_.encoding(), 0).fill(context);
  InlineAsk ask;
  ask.request_id = std::string(request_id);
  ask.uri = document->uri();
  ask.language = document->language_id();
  ask.position = std::string(*json_at(*json_at(request, "params"), "position"));
  ask.prefix = std::move(context.prefix);
  ask.suffix = std::move(context.suffix);
  ask.single_line = !multiline_ || !is_blank(rest_of_line(*document, params->position));
  return ask;
}

}  // namespace strop::agent
