// How the simulated editor asks for ghost text and speaks of it: in LSP's terms, those of Strop's
// own extensions (editor-extensions/PROTOCOL.md), or those of a dialect.
#include <utility>

#include "simulation/editor.h"

namespace strop::simulation {

using nlohmann::json;

json Editor::inline_params(bool invoked) const {
  if (dialect_ == Dialect::kCopilotOld)
    return {{"doc", {{"uri", uri_}, {"version", version_}, {"position", position()}}}};
  json params{{"textDocument", identifier()}, {"position", position()}};
  if (dialect_ != Dialect::kLlmLs) params["context"] = {{"triggerKind", invoked ? 1 : 2}};
  return params;
}

std::vector<Item> Editor::complete(bool invoked) {
  return items_of(ask(completion_method(dialect_, invoked), inline_params(invoked)));
}

std::vector<Item> Editor::complete_while_typing(const std::string& keys) {
  tell("$/prophet/hold", json::object());  // the answer waits for the key
  const std::string method = completion_method(dialect_, false);
  const int id = client_.begin_request(method, inline_params(false));
  const NaiveDocument before = document_;
  const std::size_t place = cursor_;
  type(keys);
  const json answer = client_.finish_request(id, method);
  const NaiveDocument now = std::exchange(document_, before);  // what it was asked of
  const std::size_t cursor = std::exchange(cursor_, place);
  std::vector<Item> items = items_of(answer);
  document_ = now;
  cursor_ = cursor;
  return items;
}

std::vector<Item> Editor::items_of(const json& answer) const {
  std::vector<Item> out;
  const json result = answer.value("result", json());
  const json items = result.is_array()          ? result
                     : !result.is_object()      ? json::array()
                     : result.contains("items") ? result["items"]
                                                : result.value("completions", json::array());
  for (std::size_t i = 0; i < items.size(); ++i)
    if (auto item = item_of(items[i], result)) {
      item->index = i;
      out.push_back(std::move(*item));
    }
  return out;
}

std::optional<Item> Editor::item_of(const json& sent, const json& result) const {
  Item one;
  one.begin = one.end = cursor_;
  one.sent = sent;
  one.command = sent.value("command", json());
  switch (dialect_) {
    case Dialect::kCopilotOld:
      one.text = sent.at("text");
      one.mark = sent.at("uuid");
      break;
    case Dialect::kLlmLs:
      one.text = sent.at("generated_text");
      one.mark = result.at("request_id");
      break;
    default: {
      const json& text = sent.at("insertText");
      one.text = text.is_object() ? text.at("value") : text;
      one.mark = sent.value("data", json::object()).value("eventId", json());
    }
  }
  if (sent.contains("range")) {
    one.begin = document_.offset(sent["range"]["start"]);
    one.end = document_.offset(sent["range"]["end"]);
  }
  if (one.text.empty()) return std::nullopt;
  one.text = fitted(std::move(one.text));
  return one;
}

bool Editor::tells_rejects() const {
  return extension_ || (dialect_ != Dialect::kLsp && dialect_ != Dialect::kCopilot);
}

bool Editor::tells_accept(const Item& item) const { return told_of_accept(item).has_value(); }

Told Editor::tabby_event(const Item& item, const char* type) {
  return {"tabby/telemetry/event",
          {{"type", type}, {"eventId", item.mark}, {"viewId", "v1"}, {"elapsed", 100}}};
}

std::optional<Told> Editor::told_of_accept(const Item& item) const {
  switch (dialect_) {
    case Dialect::kCopilotOld:
      return Told{"notifyAccepted", {{"uuid", item.mark}}, true};
    case Dialect::kTabby:
      return tabby_event(item, "select");
    case Dialect::kLlmLs:
      return Told{"llm-ls/acceptCompletion",
                  {{"request_id", item.mark},
                   {"accepted_completion", item.index},
                   {"shown_completions", {item.index}}},
                  true};
    default:
      break;
  }
  if (!runs_commands(shape_) || !item.command.is_object()) return std::nullopt;
  json params{{"command", item.command.at("command")}};
  if (item.command.contains("arguments")) params["arguments"] = item.command["arguments"];
  return Told{"workspace/executeCommand", std::move(params), true};
}

void Editor::send(const std::optional<Told>& told) {
  if (!told) return;
  if (told->waits)
    ask(told->method, told->params);
  else
    tell(told->method, told->params);
}

void Editor::run(const json& command) {
  json params{{"command", command.at("command")}};
  if (command.contains("arguments")) params["arguments"] = command["arguments"];
  ask("workspace/executeCommand", std::move(params));
}

void Editor::report_shown(const Item& item) {
  if (extension_) tell("strop/didShow", {{"item", item.sent}});
  if (dialect_ == Dialect::kCopilot) tell("textDocument/didShowCompletion", {{"item", item.sent}});
  if (dialect_ == Dialect::kCopilotOld) ask("notifyShown", {{"uuid", item.mark}});
  if (dialect_ == Dialect::kTabby) send(tabby_event(item, "view"));
}

void Editor::report_part(const Item& item) {
  const std::string part = text().substr(item.begin, cursor_ - item.begin);
  const json told{{"item", item.sent}, {"acceptedLength", utf16_length(part)}};
  if (extension_) tell("strop/didPartiallyAccept", told);
  if (dialect_ == Dialect::kCopilot) tell("textDocument/didPartiallyAcceptCompletion", told);
  if (dialect_ == Dialect::kCopilotOld)
    ask("notifyAccepted", {{"uuid", item.mark}, {"acceptedLength", utf16_length(part)}});
  if (dialect_ == Dialect::kTabby) {
    Told event = tabby_event(item, "select");
    event.params["selectKind"] = "line";
    send(event);
  }
}

void Editor::report_rejected(const Item& item) {
  if (extension_) tell("strop/didReject", {{"item", item.sent}});
  if (dialect_ == Dialect::kCopilotOld) ask("notifyRejected", {{"uuids", {item.mark}}});
  if (dialect_ == Dialect::kTabby) send(tabby_event(item, "dismiss"));
  if (dialect_ == Dialect::kLlmLs)
    ask("llm-ls/rejectCompletion",
        {{"request_id", item.mark}, {"shown_completions", {item.index}}});
}

}  // namespace strop::simulation
