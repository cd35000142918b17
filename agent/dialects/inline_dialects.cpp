#include "agent/dialects/inline_dialects.h"

#include <utility>

#include "agent/dialects/json_text.h"
#include "agent/snippet.h"
#include "lsp/types.h"

namespace strop::agent {
namespace {

using nlohmann::json;
using Offers = std::vector<OfferedInline>;

constexpr std::string_view kCopilotCommands = "github.copilot.";

std::string mark_of(const json& item) {
  // Tabby names its items by data.eventId, others by an id or a uuid.
  const json& data = field_of(item, "data");
  if (const json& event = field_of(data, "eventId"); !event.is_null()) return event.dump();
  for (const char* name : {"uuid", "id"})
    if (std::string text = text_of(item, name); !text.empty()) return text;
  return "";
}

std::string dialect_of(const json& item) {
  if (text_of(field_of(item, "command"), "command").starts_with(kCopilotCommands)) return "copilot";
  return field_of(field_of(item, "data"), "eventId").is_null() ? "lsp-inline" : "tabby";
}

tl::expected<Offers, std::string> read_lsp(const json& result) {
  const json& items = result.is_object() ? field_of(result, "items") : result;
  if (items.is_null()) return Offers{};
  if (!items.is_array()) return tl::unexpected<std::string>("items: expected an array");
  Offers out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto item = lsp::parse<lsp::InlineCompletionItem>(items[i]);
    if (!item) return tl::unexpected("items[" + std::to_string(i) + "]." + item.error());
    const auto* plain = std::get_if<std::string>(&item->insertText);
    OfferedInline offer;
    offer.index = i;
    offer.text =
        plain ? *plain : expand_snippet(std::get<lsp::StringValue>(item->insertText).value);
    offer.range = item->range;
    offer.command = command_key(field_of(items[i], "command"));
    offer.mark = mark_of(items[i]);
    offer.dialect = dialect_of(items[i]);
    if (!offer.text.empty()) out.push_back(std::move(offer));
  }
  return out;
}

tl::expected<Offers, std::string> read_copilot(const json& result) {
  const json& items = field_of(result, "completions");
  if (!items.is_array()) return Offers{};
  Offers out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    OfferedInline offer;
    offer.index = i;
    offer.text = text_of(items[i], "text");
    offer.mark = text_of(items[i], "uuid");
    offer.dialect = "copilot";
    if (auto range = lsp::parse<lsp::Range>(field_of(items[i], "range"))) offer.range = *range;
    if (!offer.text.empty()) out.push_back(std::move(offer));
  }
  return out;
}

tl::expected<Offers, std::string> read_llm_ls(const json& result) {
  const json& items = field_of(result, "completions");
  if (!items.is_array()) return Offers{};
  Offers out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    OfferedInline offer;
    offer.index = i;
    offer.text = text_of(items[i], "generated_text");
    offer.mark = text_of(result, "request_id");
    offer.dialect = "llm-ls";
    if (!offer.text.empty()) out.push_back(std::move(offer));
  }
  return out;
}

}  // namespace

std::optional<InlineDialect> inline_dialect_of(std::string_view method) {
  if (method == "textDocument/inlineCompletion") return InlineDialect::kLsp;
  if (method == "getCompletions" || method == "getCompletionsCycling")
    return InlineDialect::kCopilot;
  if (method == "llm-ls/getCompletions") return InlineDialect::kLlmLs;
  return std::nullopt;
}

tl::expected<InlineRequest, std::string> read_inline_request(InlineDialect dialect,
                                                             const json& params) {
  // Copilot's older request has the document's uri and position in `doc`.
  const bool copilot = dialect == InlineDialect::kCopilot;
  const json& holder = copilot ? field_of(params, "doc") : params;
  InlineRequest out;
  out.uri = text_of(copilot ? holder : field_of(holder, "textDocument"), "uri");
  if (out.uri.empty()) return tl::unexpected<std::string>("the document's uri is missing");
  auto position = lsp::parse<lsp::Position>(field_of(holder, "position"));
  if (!position) return tl::unexpected("position." + position.error());
  out.position = *position;
  return out;
}

tl::expected<Offers, std::string> read_inline_answer(InlineDialect dialect, const json& result) {
  switch (dialect) {
    case InlineDialect::kCopilot:
      return read_copilot(result);
    case InlineDialect::kLlmLs:
      return read_llm_ls(result);
    case InlineDialect::kLsp:
      break;
  }
  return read_lsp(result);
}

std::string command_key(const json& command) {
  const std::string name = text_of(command, "command");
  if (name.empty()) return "";
  const json& arguments = field_of(command, "arguments");
  return name + (arguments.is_null() ? "[]" : arguments.dump());
}

}  // namespace strop::agent
