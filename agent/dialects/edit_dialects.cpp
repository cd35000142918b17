#include "agent/dialects/edit_dialects.h"

#include <utility>

#include "agent/dialects/inline_dialects.h"
#include "agent/dialects/json_text.h"
#include "agent/snippet.h"
#include "lsp/types.h"

namespace strop::agent {
namespace {

using nlohmann::json;

constexpr const char* kAcceptsInlineEdit = "github.copilot.didAcceptNextEditSuggestionItem";
constexpr const char* kRejectsInlineEdit = "github.copilot.didRejectNextEditSuggestionItem";

std::optional<std::int32_t> version_of(const json& document) {
  const json& version = field_of(document, "version");
  if (!version.is_number_integer()) return std::nullopt;
  return version.get<std::int32_t>();
}

OfferedChange change_of(const std::string& uri, const lsp::TextEdit& edit) {
  return {uri, std::nullopt, edit.range, edit.newText};
}
OfferedChange change_of(const std::string& uri, const lsp::AnnotatedTextEdit& edit) {
  return {uri, std::nullopt, edit.range, edit.newText};
}
OfferedChange change_of(const std::string& uri, const lsp::SnippetTextEdit& edit) {
  return {uri, std::nullopt, edit.range, expand_snippet(edit.snippet.value)};
}

}  // namespace

tl::expected<OfferedEdit, std::string> read_workspace_edit(const json& edit) {
  const auto read = lsp::parse<lsp::WorkspaceEdit>(edit);
  if (!read) return tl::unexpected(read.error());
  OfferedEdit out;
  if (read->documentChanges) {
    for (const auto& change : *read->documentChanges) {
      const auto* texts = std::get_if<lsp::TextDocumentEdit>(&change);
      if (texts == nullptr) continue;
      for (const auto& one : texts->edits) {
        out.changes.push_back(std::visit(
            [&](const auto& text) { return change_of(texts->textDocument.uri, text); }, one));
        out.changes.back().version = texts->textDocument.version;
      }
    }
    return out;
  }
  if (read->changes)
    for (const auto& [uri, edits] : *read->changes)
      for (const lsp::TextEdit& one : edits) out.changes.push_back(change_of(uri, one));
  return out;
}

std::vector<OfferedEdit> read_code_actions(const json& result) {
  std::vector<OfferedEdit> out;
  const auto add = [&out](const json& action) {
    const json& edit = field_of(action, "edit");
    if (!edit.is_object()) return;
    auto read = read_workspace_edit(edit);
    if (!read || read->changes.empty()) return;
    read->command = command_key(field_of(action, "command"));
    const std::string kind = text_of(action, "kind");
    read->of_source = kind == "source" || kind.starts_with("source.");
    out.push_back(std::move(*read));
  };
  if (result.is_object()) add(result);
  if (result.is_array())
    for (const json& action : result) add(action);
  return out;
}

std::vector<OfferedEdit> read_inline_edits(const json& result) {
  std::vector<OfferedEdit> out;
  const json& edits = field_of(result, "edits");
  if (!edits.is_array()) return out;
  for (const json& edit : edits) {
    const auto range = lsp::parse<lsp::Range>(field_of(edit, "range"));
    const json& document = field_of(edit, "textDocument");
    if (!range || !document.is_object()) continue;
    OfferedEdit one;
    one.changes.push_back(
        {text_of(document, "uri"), version_of(document), *range, text_of(edit, "text")});
    json command = field_of(edit, "command");
    one.command = command_key(command);
    if (text_of(command, "command") == kAcceptsInlineEdit) {
      command["command"] = kRejectsInlineEdit;
      one.dismissal = command_key(command);
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace strop::agent
