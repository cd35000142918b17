#include "agent/dialects/editor_words.h"

#include <algorithm>
#include <array>

#include "agent/dialects/inline_dialects.h"
#include "agent/dialects/json_text.h"

namespace strop::agent {
namespace {

using nlohmann::json;
using Kind = EditorWord::Kind;
using Reader = std::optional<EditorWord> (*)(const json&);

std::size_t count_of(const json& params, const char* field) {
  const json& value = field_of(params, field);
  if (!value.is_number()) return 0;
  const auto number = value.get<double>();
  return number > 0 && number < 1e9 ? static_cast<std::size_t>(number) : 0;
}

EditorWord about_item(Kind kind, const json& params) {
  EditorWord word;
  word.kind = kind;
  const json& item = field_of(params, "item");
  word.wrapped = wrapped_item(field_of(item, "command"));
  word.command = command_key(field_of(item, "command"));
  word.text = text_of(item, "insertText");
  return word;
}

std::optional<EditorWord> shown(const json& params) { return about_item(Kind::kShown, params); }

std::optional<EditorWord> partial(const json& params) {
  EditorWord word = about_item(Kind::kPartial, params);
  word.utf16_units = count_of(params, "acceptedLength");
  if (word.utf16_units == 0) return std::nullopt;
  return word;
}

std::optional<EditorWord> rejected(const json& params) {
  return about_item(Kind::kDismissed, params);
}

std::optional<EditorWord> copilot_shown(const json& params) {
  EditorWord word;
  word.marks = {text_of(params, "uuid")};
  return word;
}

std::optional<EditorWord> copilot_accepted(const json& params) {
  EditorWord word;
  word.utf16_units = count_of(params, "acceptedLength");
  word.kind = word.utf16_units > 0 ? Kind::kPartial : Kind::kAccepted;
  word.marks = {text_of(params, "uuid")};
  return word;
}

std::optional<EditorWord> copilot_rejected(const json& params) {
  EditorWord word;
  word.kind = Kind::kDismissed;
  const json& uuids = field_of(params, "uuids");
  if (!uuids.is_array()) return std::nullopt;
  for (const json& uuid : uuids)
    if (uuid.is_string()) word.marks.push_back(uuid.get<std::string>());
  return word;
}

std::optional<EditorWord> tabby(const json& params) {
  EditorWord word;
  const std::string type = text_of(params, "type");
  if (type == "view")
    word.kind = Kind::kShown;
  else if (type == "select")
    word.kind = Kind::kAccepted;
  else if (type == "dismiss")
    word.kind = Kind::kDismissed;
  else
    return std::nullopt;
  // A selected line or word is a part; the document tells which.
  if (word.kind == Kind::kAccepted && !text_of(params, "selectKind").empty()) return std::nullopt;
  const json& event = field_of(params, "eventId");
  if (event.is_null()) return std::nullopt;
  word.marks = {event.dump()};
  return word;
}

std::optional<EditorWord> llm_ls_accepted(const json& params) {
  EditorWord word;
  word.kind = Kind::kAccepted;
  word.marks = {text_of(params, "request_id")};
  word.item = count_of(params, "accepted_completion");
  return word;
}

std::optional<EditorWord> llm_ls_rejected(const json& params) {
  EditorWord word;
  word.kind = Kind::kDismissed;
  word.marks = {text_of(params, "request_id")};
  return word;
}

std::optional<EditorWord> rated(const json& params) {
  static constexpr std::array<const char*, 5> kDimensions{
      "correctness", "efficiency", "readability", "best_practices", "security"};
  EditorWord word = about_item(Kind::kRated, params);
  word.suggestion = text_of(params, "suggestion");
  word.reason = text_of(params, "reason");
  const json& dimensions = field_of(params, "dimensions");
  for (const char* name : kDimensions)
    if (const json& value = field_of(dimensions, name); value.is_number())
      word.dimensions[name] =
          std::clamp(static_cast<int>(std::clamp(value.get<double>(), -1.0, 1.0)), -1, 1);
  if (word.dimensions.empty() && word.reason.empty()) return std::nullopt;
  return word;
}

constexpr std::array<std::pair<std::string_view, Reader>, 13> kReaders{
    {{"strop/didShow", shown},
     {"strop/didPartiallyAccept", partial},
     {"strop/didReject", rejected},
     {"textDocument/didShowCompletion", shown},
     {"textDocument/didShowInlineEdit", shown},
     {"textDocument/didPartiallyAcceptCompletion", partial},
     {"notifyShown", copilot_shown},
     {"notifyAccepted", copilot_accepted},
     {"notifyRejected", copilot_rejected},
     {"tabby/telemetry/event", tabby},
     {"llm-ls/acceptCompletion", llm_ls_accepted},
     {"llm-ls/rejectCompletion", llm_ls_rejected},
     {"strop/rate", rated}}};

Reader reader_of(std::string_view method) {
  for (const auto& [name, reader] : kReaders)
    if (name == method) return reader;
  return nullptr;
}

}  // namespace

std::optional<WrappedItem> wrapped_item(const json& command) {
  WrappedItem wrapped;
  wrapped.command = text_of(command, "command");
  const json& arguments = field_of(command, "arguments");
  if (wrapped.command.empty() || !arguments.is_array() || arguments.empty()) return std::nullopt;
  const json& index = field_of(arguments[0], "item");
  wrapped.request = lsp::id_of(field_of(arguments[0], "request"));
  if (std::holds_alternative<std::nullptr_t>(wrapped.request) || !index.is_number_unsigned())
    return std::nullopt;
  wrapped.index = index.get<std::size_t>();
  return wrapped;
}

bool may_be_word(std::string_view method) { return reader_of(method) != nullptr; }

std::optional<EditorWord> read_editor_word(std::string_view method, const json& params) {
  const Reader reader = reader_of(method);
  if (reader == nullptr) return std::nullopt;
  auto word = reader(params);
  if (word) std::erase(word->marks, std::string());
  return word;
}

}  // namespace strop::agent
