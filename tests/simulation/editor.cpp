#include "simulation/editor.h"

#include <algorithm>
#include <stdexcept>

namespace strop::simulation {

using nlohmann::json;

std::optional<Shape> shape_by_name(const std::string& name) {
  if (name == "replace-command") return Shape::kReplaceAndCommand;
  if (name == "remainder-command") return Shape::kRemainderAndCommand;
  if (name == "change-only") return Shape::kChangeOnly;
  if (name == "delete-insert") return Shape::kDeleteThenInsert;
  if (name == "six-notifications") return Shape::kSixNotifications;
  if (name == "single-characters") return Shape::kSingleCharacters;
  return std::nullopt;
}

bool runs_commands(Shape shape) {
  return shape == Shape::kReplaceAndCommand || shape == Shape::kRemainderAndCommand;
}

void Editor::start(const std::string& root_uri) {
  announce();
  json capabilities{{"textDocument",
                     {{"synchronization", {{"didSave", true}}},
                      {"inlineCompletion", {{"dynamicRegistration", false}}},
                      {"publishDiagnostics", {{"versionSupport", true}}}}},
                    {"workspace",
                     {{"executeCommand", {{"dynamicRegistration", true}}},
                      {"workspaceFolders", true},
                      {"configuration", true}}},
                    {"general", {{"positionEncodings", {"utf-8", "utf-16"}}}}};
  const json answer =
      client_.request("initialize", {{"processId", nullptr},
                                     {"clientInfo", {{"name", "typist"}}},
                                     {"rootUri", root_uri},
                                     {"workspaceFolders", {{{"uri", root_uri}, {"name", "team"}}}},
                                     {"capabilities", std::move(capabilities)}});
  if (!answer.contains("result"))
    throw std::runtime_error("initialize was refused: " + answer.dump());
  const json& server = answer.at("result").at("capabilities");
  encoding_ =
      server.value("positionEncoding", "utf-16") == "utf-8" ? Encoding::kUtf8 : Encoding::kUtf16;
  const json sync = server.value("textDocumentSync", json(2));
  full_sync_ = (sync.is_object() ? sync.value("change", 2) : sync.get<int>()) == 1;
  client_.notify("initialized", json::object());
}

void Editor::announce() { client_.notify("$/strop/clock", {{"t_ms", now_ms_}}); }

void Editor::wait(double ms) { now_ms_ += ms; }

void Editor::open(const std::string& uri, const std::string& language, const std::string& text,
                  std::size_t cursor) {
  uri_ = uri;
  version_ = 1;
  document_ = NaiveDocument(text, encoding_);
  cursor_ = cursor;
  announce();
  client_.notify(
      "textDocument/didOpen",
      {{"textDocument",
        {{"uri", uri}, {"languageId", language}, {"version", version_}, {"text", text}}}});
}

void Editor::close() {
  announce();
  client_.notify("textDocument/didClose", {{"textDocument", {{"uri", uri_}}}});
}

void Editor::save() {
  announce();
  client_.notify("textDocument/didSave", {{"textDocument", {{"uri", uri_}}}});
}

void Editor::edit(std::size_t begin, std::size_t end, const std::string& with) {
  change({{begin, end, with}});
}

void Editor::change(const std::vector<Change>& changes) {
  json sent = json::array();
  for (const Change& one : changes) {
    sent.push_back(
        {{"range",
          {{"start", document_.position(one.begin)}, {"end", document_.position(one.end)}}},
         {"text", one.with}});
    document_.replace(one.begin, one.end, one.with);
    cursor_ = one.begin + one.with.size();
  }
  if (full_sync_) sent = json::array({{{"text", document_.text()}}});
  announce();
  client_.notify("textDocument/didChange",
                 {{"textDocument", {{"uri", uri_}, {"version", ++version_}}},
                  {"contentChanges", std::move(sent)}});
}

std::vector<Item> Editor::complete() {
  announce();
  const json answer =
      client_.request("textDocument/inlineCompletion", {{"textDocument", {{"uri", uri_}}},
                                                        {"position", position()},
                                                        {"context", {{"triggerKind", 2}}}});
  std::vector<Item> out;
  const json result = answer.value("result", json());
  const json items = result.is_object() ? result.value("items", json::array()) : result;
  if (!items.is_array()) return out;
  for (const json& item : items) {
    Item one{item.at("insertText").is_object() ? item["insertText"].at("value").get<std::string>()
                                               : item["insertText"].get<std::string>(),
             cursor_, cursor_, item.value("command", json()), item};
    if (item.contains("range")) {
      one.begin = document_.offset(item["range"]["start"]);
      one.end = document_.offset(item["range"]["end"]);
    }
    out.push_back(std::move(one));
  }
  return out;
}

void Editor::report(const std::string& method, json params) {
  if (!extension_) return;
  announce();
  client_.notify(method, std::move(params));
}

void Editor::report_shown(const Item& item) { report("strop/didShow", {{"item", item.sent}}); }

void Editor::report_part(const Item& item) {
  const std::string part = text().substr(item.begin, cursor_ - item.begin);
  report("strop/didPartiallyAccept", {{"item", item.sent}, {"acceptedLength", utf16_length(part)}});
}

void Editor::report_rejected(const Item& item) { report("strop/didReject", {{"item", item.sent}}); }

void Editor::accept(const Item& item, const std::string& next_key) {
  const std::string replaced = text().substr(item.begin, cursor_ - item.begin);
  switch (shape_) {
    case Shape::kRemainderAndCommand:
      if (item.text.starts_with(replaced)) {
        change({{cursor_, cursor_, item.text.substr(replaced.size())}});
        break;
      }
      [[fallthrough]];
    case Shape::kReplaceAndCommand:
    case Shape::kChangeOnly:
      change({{item.begin, cursor_, item.text}});
      break;
    case Shape::kDeleteThenInsert:
      change({{item.begin, cursor_, ""}, {item.begin, item.begin, item.text}});
      break;
    case Shape::kSixNotifications:
      for (const std::string& now :
           {std::string(), item.text, std::string(), replaced, std::string(), item.text}) {
        if (item.begin == cursor_ && now.empty()) continue;
        change({{item.begin, cursor_, now}});
        wait(1);
      }
      break;
    case Shape::kSingleCharacters: {
      std::vector<Change> changes;
      for (std::size_t at = cursor_; at > item.begin;) {
        const std::size_t end = at;
        do --at;
        while (at > item.begin && (static_cast<unsigned char>(text()[at]) & 0xC0U) == 0x80U);
        changes.push_back({at, end, ""});
      }
      const std::string all = item.text + next_key;
      for (std::size_t at = 0; at < all.size();) {
        const std::size_t size = character_length(all, at);
        changes.push_back({item.begin + at, item.begin + at, all.substr(at, size)});
        at += size;
      }
      change(changes);
      break;
    }
  }
  if (!runs_commands(shape_) || !item.command.is_object()) return;
  json params{{"command", item.command.at("command")}};
  if (item.command.contains("arguments")) params["arguments"] = item.command["arguments"];
  client_.request("workspace/executeCommand", std::move(params));
}

}  // namespace strop::simulation
