#include "agent/provider/editor_documents.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/offer_context.h"
#include "agent/provider/candidate_shape.h"
#include "agent/raw_json.h"
#include "lsp/types.h"
#include "schema/blank.h"

namespace strop::agent {
namespace {

using nlohmann::json;

bool block_may_follow(const lsp::Document& document, std::size_t cursor) {
  const lsp::LineIndex& lines = document.lines();
  const std::size_t line = lines.line_of(cursor);
  const std::string_view text = lines.line_text(document.text(), line);
  const std::size_t column = std::min(cursor - lines.line_start(line), text.size());
  std::string_view next;
  for (std::size_t below = line + 1; below < lines.line_count() && schema::is_blank(next); ++below)
    next = lines.line_text(document.text(), below);
  return may_go_on(text.substr(0, column), text.substr(column), next);
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
    if (auto open = lsp::parse<lsp::DidOpenTextDocumentParams>(params)) {
      use(open->textDocument.uri).text.reset();
      store_.open(std::move(open->textDocument));
    }
  } else if (noted.method == "textDocument/didClose") {
    if (const auto close = lsp::parse<lsp::DidCloseTextDocumentParams>(params)) {
      store_.close(close->textDocument.uri);
      used_.erase(close->textDocument.uri);
    }
  } else if (const auto change = lsp::parse<lsp::DidChangeTextDocumentParams>(params)) {
    // What does not fit leaves the document unsynced, and nothing is asked about it then.
    static_cast<void>(store_.change(*change));
    if (store_.find(change->textDocument.uri) != nullptr)
      use(change->textDocument.uri).text.reset();
  } else {
    store_.mark_all_unsynced();  // a change of who knows what
  }
}

EditorDocuments::Used& EditorDocuments::use(const std::string& uri) {
  Used& used = used_[uri];
  used.when = ++uses_;
  return used;
}

std::vector<OpenFile> EditorDocuments::others_than(const lsp::Document& document) {
  std::vector<std::pair<const lsp::Document*, Used*>> others;
  for (auto& [uri, used] : used_) {
    const lsp::Document* other = store_.find(uri);
    if (other == nullptr || other == &document || !other->synced()) continue;
    if (other->language_id() != document.language_id()) continue;
    if (other->text().empty() || other->text().size() > kMostOfOpenFile) continue;
    others.emplace_back(other, &used);
  }
  std::sort(others.begin(), others.end(),
            [](const auto& a, const auto& b) { return a.second->when > b.second->when; });
  if (others.size() > kMostOpenFiles) others.resize(kMostOpenFiles);
  std::vector<OpenFile> files;
  for (const auto& [other, used] : others) {
    if (used->text == nullptr) used->text = std::make_shared<const std::string>(other->text());
    files.push_back({other->uri(), used->text});
  }
  return files;
}

std::optional<InlineAsk> EditorDocuments::around_cursor(std::string_view request,
                                                        std::string_view request_id) {
  catch_up();
  const auto params = lsp::parse<lsp::InlineCompletionParams>(params_of(request));
  if (!params) return std::nullopt;
  const lsp::Document* document = store_.find(params->textDocument.uri);
  if (document == nullptr || !document->synced()) return std::nullopt;
  const std::size_t cursor = document->offset_at(params->position).offset;
  schema::Offered context;
  OfferContext(*document, params->position, store_.encoding(), 0).fill(context);
  InlineAsk ask;
  ask.request_id = std::string(request_id);
  ask.uri = document->uri();
  ask.language = document->language_id();
  ask.position = std::string(*json_at(*json_at(request, "params"), "position"));
  ask.prefix = std::move(context.prefix);
  ask.suffix = std::move(context.suffix);
  ask.offset = cursor;
  ask.single_line = !rules_.multiline || !block_may_follow(*document, cursor);
  ask.invoked = params->context.triggerKind == lsp::InlineCompletionTriggerKind::kInvoked;
  use(document->uri());
  if (rules_.open_files) ask.open_files = others_than(*document);
  return ask;
}

}  // namespace strop::agent
