#include "simulation/editor.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

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
    put(one);
    cursor_ = one.begin + one.with.size();
  }
  if (full_sync_) sent = json::array({{{"text", document_.text()}}});
  announce();
  client_.notify("textDocument/didChange",
                 {{"textDocument", {{"uri", uri_}, {"version", ++version_}}},
                  {"contentChanges", std::move(sent)}});
}

void Editor::put(const Change& change) {
  const std::string replaced = text().substr(change.begin, change.end - change.begin);
  document_.replace(change.begin, change.end, change.with);
  if (watcher_) watcher_(change, replaced);
}

void Editor::change_as_whole(const std::vector<Change>& changes) {
  for (const Change& one : changes) put(one);
  cursor_ = std::min(cursor_, text().size());
  announce();
  client_.notify("textDocument/didChange",
                 {{"textDocument", {{"uri", uri_}, {"version", ++version_}}},
                  {"contentChanges", {{{"text", text()}}}}});
}

void Editor::visit(const std::string& uri, const std::string& keys) {
  const json start{{"line", 0}, {"character", 0}};
  tell("textDocument/didOpen",
       {{"textDocument",
         {{"uri", uri}, {"languageId", "plaintext"}, {"version", 1}, {"text", ""}}}});
  wait(400);
  json change{{"text", keys}};
  if (!full_sync_) change["range"] = {{"start", start}, {"end", start}};
  tell("textDocument/didChange",
       {{"textDocument", {{"uri", uri}, {"version", 2}}}, {"contentChanges", {change}}});
  ask("textDocument/documentHighlight", {{"textDocument", {{"uri", uri}}}, {"position", start}});
  wait(400);
  tell("textDocument/didClose", {{"textDocument", {{"uri", uri}}}});
}

void Editor::tell(const std::string& method, json params) {
  announce();
  client_.notify(method, std::move(params));
}

json Editor::ask(const std::string& method, json params) {
  announce();
  return client_.request(method, std::move(params));
}

void Editor::write_accepted(std::size_t begin, const std::string& with,
                            const std::string& next_key) {
  const std::string replaced = text().substr(begin, cursor_ - begin);
  switch (shape_) {
    case Shape::kRemainderAndCommand:
      if (with.starts_with(replaced)) {
        change({{cursor_, cursor_, with.substr(replaced.size())}});
        break;
      }
      [[fallthrough]];
    case Shape::kReplaceAndCommand:
    case Shape::kChangeOnly:
      change({{begin, cursor_, with}});
      break;
    case Shape::kDeleteThenInsert:
      change({{begin, cursor_, ""}, {begin, begin, with}});
      break;
    case Shape::kSixNotifications:
      for (const std::string& now :
           {std::string(), with, std::string(), replaced, std::string(), with}) {
        if (begin == cursor_ && now.empty()) continue;
        change({{begin, cursor_, now}});
        wait(1);
      }
      break;
    case Shape::kSingleCharacters: {
      std::vector<Change> changes;
      for (std::size_t at = cursor_; at > begin;) {
        const std::size_t end = at;
        do --at;
        while (at > begin && (static_cast<unsigned char>(text()[at]) & 0xC0U) == 0x80U);
        changes.push_back({at, end, ""});
      }
      const std::string all = with + next_key;
      for (std::size_t at = 0; at < all.size();) {
        const std::size_t size = character_length(all, at);
        changes.push_back({begin + at, begin + at, all.substr(at, size)});
        at += size;
      }
      change(changes);
      break;
    }
  }
}

}  // namespace strop::simulation
