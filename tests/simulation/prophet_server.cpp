// strop-prophet: a language server over stdio, scripted by prophet.h: inline completion, popup
// lists, code actions, inline edits, formatting, and edits that it asks the editor for.
//
// `$/prophet/hold` makes the next inline completion wait for the next didChange; `prophet/edit`
// makes it send a workspace/applyEdit, and is answered when that is.
//
// Usage: strop-prophet TARGET_DIR SEED [utf-8|utf-16] [full|incremental] [command|plain]
//                      [lsp|copilot|copilot-old|tabby|llm-ls]
// A document below TARGET_DIR is being written towards what is there; one of elsewhere towards
// TARGET_DIR/FILE, the last part of its uri. `plain` leaves
// items without a command.
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "simulation/dialect.h"
#include "simulation/naive_document.h"
#include "simulation/prophet.h"
#include "simulation/prophet_edits.h"
#include "simulation/prophet_list.h"

namespace {

using nlohmann::json;
using namespace strop::simulation;

// A line that comes with an item of a popup list. Those at a document's top are not the target's.
constexpr std::string_view kImport = "import prophet_";

std::size_t imports_of(std::string_view text) {
  std::size_t size = 0;
  while (text.substr(size).starts_with(kImport)) size = text.find('\n', size) + 1;
  return size;
}

bool read_message(json& message) {
  std::size_t length = 0;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "\r") break;
    if (line.starts_with("Content-Length: ")) length = std::stoul(line.substr(16));
  }
  if (!std::cin || length == 0) return false;
  std::string body(length, '\0');
  if (!std::cin.read(body.data(), static_cast<std::streamsize>(length))) return false;
  message = json::parse(body);
  return true;
}

void write_message(const json& message) {
  const std::string body = message.dump();
  std::cout << "Content-Length: " << body.size() << "\r\n\r\n" << body << std::flush;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

class Server {
 public:
  Server(std::string directory, std::uint64_t seed, Encoding encoding, bool full_sync,
         bool commands, Dialect dialect)
      : directory_(std::move(directory)),
        seed_(seed),
        encoding_(encoding),
        full_sync_(full_sync),
        commands_(commands),
        dialect_(dialect) {}

  // False after `exit`.
  bool handle(const json& message) {
    const std::string method = message.value("method", "");
    if (method == "exit") return false;
    if (method.empty()) {  // the editor's word on the edit that was asked for
      write_message({{"jsonrpc", "2.0"}, {"id", edit_asked_by_}, {"result", message.at("result")}});
      return true;
    }
    if (method == "$/prophet/hold") hold_ = true;
    if (method == "prophet/edit") return ask_for_edit(message);
    if (is_completion_method(method) && std::exchange(hold_, false)) {
      held_ = {{"jsonrpc", "2.0"}, {"id", message.at("id")}, {"result", result(method, message)}};
      return true;
    }
    if (method == "textDocument/didOpen")
      open(message.at("params").at("textDocument"));
    else if (method == "textDocument/didChange")
      change(message.at("params"));
    else if (method == "workspace/didRenameFiles")
      return true;  // the name tells which target it is
    else if (method == "textDocument/didClose")
      documents_.erase(message.at("params").at("textDocument").at("uri"));
    else if (message.contains("id") && !method.empty())
      write_message(
          {{"jsonrpc", "2.0"}, {"id", message.at("id")}, {"result", result(method, message)}});
    return true;
  }

 private:
  json result(const std::string& method, const json& message) {
    if (method == "initialize") return initialize();
    const json params = message.value("params", json());
    if (is_completion_method(method)) return complete(method, params);
    if (method == "textDocument/completion") return list(params);
    if (method == "textDocument/codeAction") return actions(params);
    if (method == "codeAction/resolve") return resolve(params);
    if (method == "textDocument/copilotInlineEdit") return inline_edit(params);
    if (method == "textDocument/formatting") return format(params);
    return nullptr;
  }

  json initialize() const {
    json capabilities{{"textDocumentSync", {{"openClose", true}, {"change", full_sync_ ? 1 : 2}}},
                      {"inlineCompletionProvider", json::object()},
                      {"completionProvider", {{"resolveProvider", false}}},
                      {"codeActionProvider", {{"resolveProvider", true}}},
                      {"documentFormattingProvider", true},
                      {"positionEncoding", encoding_ == Encoding::kUtf8 ? "utf-8" : "utf-16"}};
    if (commands_) capabilities["executeCommandProvider"] = {{"commands", {accept_command()}}};
    return {{"capabilities", std::move(capabilities)}, {"serverInfo", {{"name", "prophet"}}}};
  }

  void open(const json& document) {
    const std::string uri = document.at("uri");
    documents_[uri] = NaiveDocument(document.at("text"), encoding_);
    const std::string root = "file://" + directory_ + "/";
    std::string file =
        uri.starts_with(root) ? uri.substr(root.size()) : uri.substr(uri.rfind('/') + 1);
    if (const std::size_t at = file.find(kRenamed); at != std::string::npos)
      file.erase(at, kRenamed.size());
    prophets_.insert_or_assign(uri, Prophet(read_file(directory_ + "/" + file), seed_));
  }

  void change(const json& params) {
    NaiveDocument& document = documents_.at(params.at("textDocument").at("uri"));
    for (const json& edit : params.at("contentChanges")) {
      const std::string text = edit.at("text");
      if (edit.contains("range"))
        document.replace(document.offset(edit["range"]["start"]),
                         document.offset(edit["range"]["end"]), text);
      else
        document = NaiveDocument(text, encoding_);
    }
    if (!held_.is_null()) write_message(std::exchange(held_, json()));
  }

  json range(const NaiveDocument& document, std::size_t begin, std::size_t end) const {
    return {{"start", document.position(begin)}, {"end", document.position(end)}};
  }
  json text_edits(const NaiveDocument& document, const std::vector<Rewrite>& rewrites) const {
    json out = json::array();
    for (const Rewrite& one : rewrites)
      out.push_back({{"range", range(document, one.begin, one.end)}, {"newText", one.text}});
    return out;
  }
  const NaiveDocument& document_of(const json& params) const {
    return documents_.at(params.at("textDocument").at("uri"));
  }

  // What of the target is written, whichever line ends the editor uses.
  static std::string before_cursor(const NaiveDocument& document, std::size_t imports,
                                   std::size_t cursor) {
    std::string out = document.text().substr(imports, cursor - imports);
    std::erase(out, '\r');
    return out;
  }

  json list(const json& params) {
    const NaiveDocument& document = document_of(params);
    const Prophet& prophet = prophets_.at(params.at("textDocument").at("uri"));
    const std::size_t cursor = document.offset(params.at("position"));
    const std::size_t imports = imports_of(document.text());
    if (cursor < imports) return nullptr;
    const std::string before = before_cursor(document, imports, cursor);
    const WordList words = list_at(prophet.target(), before, prophet.seed());
    const std::size_t begin = cursor - (before.size() - words.begin);
    const std::string typed = document.text().substr(begin, cursor - begin);
    json items = json::array();
    for (const ListOffer& offer : words.offers)
      if (!words.incomplete || offer.word.starts_with(typed))
        items.push_back(list_item(offer, document, begin, cursor));
    return {{"isIncomplete", words.incomplete}, {"items", std::move(items)}};
  }

  json list_item(const ListOffer& offer, const NaiveDocument& document, std::size_t begin,
                 std::size_t cursor) {
    json item{{"label", offer.word}, {"sortText", std::to_string(100 + offer.rank)}};
    const json place = range(document, begin, cursor);
    switch (offer.form) {
      case ListOffer::Form::kPlain:
        break;
      case ListOffer::Form::kImport:
        item["additionalTextEdits"] = {
            {{"range", range(document, 0, 0)},
             {"newText", std::string(kImport) + std::to_string(++offered_) + "\n"}}};
        [[fallthrough]];
      case ListOffer::Form::kTextEdit:
        item["textEdit"] = {{"range", place}, {"newText", offer.word}};
        break;
      case ListOffer::Form::kInsertReplace:
        item["textEdit"] = {{"insert", place}, {"replace", place}, {"newText", offer.word}};
        break;
      case ListOffer::Form::kSnippet:
        item["insertText"] = offer.word + "(${1:value}, ${2:count})$0";
        item["insertTextFormat"] = 2;
        break;
      case ListOffer::Form::kDetailed:
        item["label"] = offer.word + " (word)";
        item["filterText"] = item["insertText"] = offer.word;
        break;
    }
    return item;
  }

  // Asks the editor for edits; the request is answered when it has answered.
  bool ask_for_edit(const json& message) {
    edit_asked_by_ = message.at("id");
    const json& params = message.at("params");
    const NaiveDocument& document = document_of(params);
    const json edits =
        text_edits(document, rewrites_of(document.text(), params.at("count"), seed_ + ++offered_));
    json edit{{"changes", {{params.at("textDocument").at("uri"), edits}}}};
    write_message({{"jsonrpc", "2.0"},
                   {"id", "edit-" + std::to_string(offered_)},
                   {"method", "workspace/applyEdit"},
                   {"params", {{"label", "Mend"}, {"edit", std::move(edit)}}}});
    return true;
  }

  // Actions of one or two edits; some have a command, some get their edit when they are resolved.
  json actions(const json& params) {
    const json uri = params.at("textDocument").at("uri");
    json out = json::array();
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t number = seed_ + ++offered_;
      json action{{"title", "Mend " + std::to_string(offered_)}, {"kind", "quickfix"}};
      if (number % 3 == 0)
        action["data"] = {{"uri", uri}, {"number", number}};
      else
        action["edit"] = action_edit(uri, number);
      if (commands_ && number % 2 == 0)
        action["command"] = {
            {"title", "mended"}, {"command", "prophet.accepted"}, {"arguments", {offered_}}};
      out.push_back(std::move(action));
    }
    return out;
  }
  json action_edit(const std::string& uri, std::uint64_t number) const {
    const NaiveDocument& document = documents_.at(uri);
    return {{"changes",
             {{uri, text_edits(document, rewrites_of(document.text(), 1 + number % 2, number))}}}};
  }
  json resolve(json action) const {
    const json& data = action.at("data");
    action["edit"] = action_edit(data.at("uri"), data.at("number"));
    return action;
  }

  json inline_edit(const json& params) {
    const NaiveDocument& document = document_of(params);
    json edits = json::array();
    for (const Rewrite& one : rewrites_of(document.text(), 1, seed_ + ++offered_))
      edits.push_back({{"text", one.text},
                       {"textDocument", params.at("textDocument")},
                       {"range", range(document, one.begin, one.end)},
                       {"command",
                        {{"title", "Accept"},
                         {"command", "github.copilot.didAcceptNextEditSuggestionItem"},
                         {"arguments", {"edit-" + std::to_string(offered_)}}}}});
    return {{"edits", std::move(edits)}};
  }

  json format(const json& params) const {
    const NaiveDocument& document = document_of(params);
    return text_edits(document, formatting_of(document.text()));
  }

  std::string accept_command() const {
    return dialect_ == Dialect::kCopilot ? "github.copilot.didAcceptCompletionItem"
                                         : "prophet.accepted";
  }

  json complete(const std::string& method, const json& params) {
    const json& at = method.starts_with("getCompletions") ? params.at("doc") : params;
    const std::string uri = at.contains("uri") ? at["uri"] : at.at("textDocument").at("uri");
    const NaiveDocument& document = documents_.at(uri);
    const std::size_t cursor = document.offset(at.at("position"));
    const std::size_t imports = imports_of(document.text());
    json items = json::array();
    const bool invoked = method == "getCompletionsCycling" ||
                         (params.contains("context") && params["context"].at("triggerKind") == 1);
    ++answers_;
    if (cursor >= imports)
      for (const Offer& offer :
           prophets_.at(uri).offers(before_cursor(document, imports, cursor), invoked))
        if (json item = ghost_item(offer, document, cursor); !item.is_null())
          items.push_back(std::move(item));
    if (method == "llm-ls/getCompletions")
      return {{"request_id", "r" + std::to_string(answers_)}, {"completions", std::move(items)}};
    if (method.starts_with("getCompletions")) return {{"completions", std::move(items)}};
    return {{"items", std::move(items)}};
  }

  json ghost_item(const Offer& offer, const NaiveDocument& document, std::size_t cursor) {
    const std::string number = std::to_string(++offered_);
    if (dialect_ == Dialect::kLlmLs)
      return offer.replaces > 0 ? json() : json{{"generated_text", offer.text}};
    if (dialect_ == Dialect::kCopilotOld) {  // from the line's start
      const std::string& text = document.text();
      const std::size_t line = cursor == 0 ? 0 : text.rfind('\n', cursor - 1) + 1;
      const std::size_t kept = cursor - offer.replaces - line;
      return {{"uuid", "u" + number},
              {"text", text.substr(line, kept) + offer.text},
              {"displayText", offer.text},
              {"range", range(document, line, cursor)}};
    }
    json item{{"insertText", offer.text},
              {"range", range(document, cursor - offer.replaces, cursor)}};
    if (commands_)
      item["command"] = {
          {"title", "accepted"}, {"command", accept_command()}, {"arguments", {offered_}}};
    if (dialect_ == Dialect::kTabby)
      item["data"] = {
          {"eventId",
           {{"completionId", "c" + std::to_string(answers_)}, {"choiceIndex", offered_}}}};
    return item;
  }

  std::string directory_;
  std::uint64_t seed_;
  Encoding encoding_;
  bool full_sync_;
  bool commands_;
  Dialect dialect_;
  int offered_ = 0;
  int answers_ = 0;
  bool hold_ = false;
  json held_;
  json edit_asked_by_;
  std::map<std::string, NaiveDocument> documents_;
  std::map<std::string, Prophet> prophets_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: strop-prophet TARGET_DIR SEED [utf-8|utf-16] [full|incremental] "
                 "[command|plain]\n";
    return 2;
  }
  const auto flag = [&](const std::string& name) {
    for (int i = 3; i < argc; ++i)
      if (argv[i] == name) return true;
    return false;
  };
  Dialect dialect = Dialect::kLsp;
  for (int i = 3; i < argc; ++i) dialect = dialect_by_name(argv[i]).value_or(dialect);
  Server server(argv[1], std::stoull(argv[2]), flag("utf-8") ? Encoding::kUtf8 : Encoding::kUtf16,
                flag("full"), !flag("plain"), dialect);
  json message;
  while (read_message(message))
    if (!server.handle(message)) return 0;
  return 1;
}
