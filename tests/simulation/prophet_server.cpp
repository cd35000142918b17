// strop-prophet: a language server over stdio whose only feature is inline completion, scripted by
// prophet.h.
//
// Usage: strop-prophet TARGET_DIR SEED [utf-8|utf-16] [full|incremental] [command|plain]
// A document below TARGET_DIR is being written towards what is there; one of elsewhere towards
// TARGET_DIR/FILE, the last part of its uri. `plain` leaves
// items without a command.
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "simulation/naive_document.h"
#include "simulation/prophet.h"

namespace {

using nlohmann::json;
using strop::simulation::Encoding;
using strop::simulation::NaiveDocument;
using strop::simulation::Prophet;

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
         bool commands)
      : directory_(std::move(directory)),
        seed_(seed),
        encoding_(encoding),
        full_sync_(full_sync),
        commands_(commands) {}

  // False after `exit`.
  bool handle(const json& message) {
    const std::string method = message.value("method", "");
    if (method == "exit") return false;
    if (method == "textDocument/didOpen")
      open(message.at("params").at("textDocument"));
    else if (method == "textDocument/didChange")
      change(message.at("params"));
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
    if (method == "textDocument/inlineCompletion") return complete(message.at("params"));
    return nullptr;
  }

  json initialize() const {
    json capabilities{{"textDocumentSync", {{"openClose", true}, {"change", full_sync_ ? 1 : 2}}},
                      {"inlineCompletionProvider", json::object()},
                      {"positionEncoding", encoding_ == Encoding::kUtf8 ? "utf-8" : "utf-16"}};
    if (commands_) capabilities["executeCommandProvider"] = {{"commands", {"prophet.accepted"}}};
    return {{"capabilities", std::move(capabilities)}, {"serverInfo", {{"name", "prophet"}}}};
  }

  void open(const json& document) {
    const std::string uri = document.at("uri");
    documents_[uri] = NaiveDocument(document.at("text"), encoding_);
    const std::string root = "file://" + directory_ + "/";
    const std::string file =
        uri.starts_with(root) ? uri.substr(root.size()) : uri.substr(uri.rfind('/') + 1);
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
  }

  json complete(const json& params) {
    const std::string uri = params.at("textDocument").at("uri");
    const NaiveDocument& document = documents_.at(uri);
    const std::size_t cursor = document.offset(params.at("position"));
    json items = json::array();
    for (const auto& offer :
         prophets_.at(uri).offers(std::string_view(document.text()).substr(0, cursor))) {
      json item{{"insertText", offer.text},
                {"range",
                 {{"start", document.position(cursor - offer.replaces)},
                  {"end", params.at("position")}}}};
      if (commands_)
        item["command"] = {
            {"title", "accepted"}, {"command", "prophet.accepted"}, {"arguments", {++offered_}}};
      items.push_back(std::move(item));
    }
    return {{"items", std::move(items)}};
  }

  std::string directory_;
  std::uint64_t seed_;
  Encoding encoding_;
  bool full_sync_;
  bool commands_;
  int offered_ = 0;
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
  Server server(argv[1], std::stoull(argv[2]), flag("utf-8") ? Encoding::kUtf8 : Encoding::kUtf16,
                flag("full"), !flag("plain"));
  json message;
  while (read_message(message))
    if (!server.handle(message)) return 0;
  return 1;
}
