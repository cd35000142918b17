// A language server that misbehaves as it is told.
//
//   strop-chaos-server FOLDER STEP…
//     say:KIND:COUNT:SEED    writes that traffic, reading what comes meanwhile
//     shout:KIND:COUNT:SEED  the same without reading
//     split:SEED             from here on writes are cut at random places
//     hear:BYTES             reads until so many have come in all, and not one more
//     hear-all               reads to the end
//     answer                 answers every request to the end: inline completion of id N with
//                            completion_N();
//     stop                   stops itself, until somebody has it go on
//     crash                  ends by SIGSEGV
//     exit:CODE
// Writes FOLDER/server (its process id) at the start, FOLDER/said after each say or shout, and
// FOLDER/heard (a digest) before it stops or ends. Exit codes: as told; 1 with a message.
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "integration/chaos_traffic.h"
#include "integration/duplex.h"

namespace {

using namespace strop::support;

std::string next_word(std::string& words) {
  const std::size_t end = std::min(words.find(':'), words.size());
  const std::string word = words.substr(0, end);
  words.erase(0, end + 1);
  return word;
}

Traffic traffic_of(std::string words) {
  Traffic traffic;
  traffic.kind = next_word(words);
  traffic.count = static_cast<unsigned>(std::stoul(next_word(words)));
  traffic.seed = static_cast<unsigned>(std::stoul(words));
  return traffic;
}

class Server {
 public:
  explicit Server(std::filesystem::path folder)
      : folder_(std::move(folder)),
        wire_(STDIN_FILENO, STDOUT_FILENO, [this](std::string_view bytes) {
          heard_.add(bytes);
          if (answers_) unread_ += bytes;
        }) {
    keep("server", std::to_string(::getpid()));
  }

  void follow(std::string step) {
    const std::string what = next_word(step);
    if (what == "say" || what == "shout") {
      const std::string stream = stream_of(traffic_of(step));
      if (what == "say")
        wire_.send(stream);
      else
        wire_.push(stream, Duplex::kPatience);
      keep("said", step);
    } else if (what == "split") {
      wire_.split(static_cast<unsigned>(std::stoul(step)));
    } else if (what == "hear") {
      wire_.read_until(std::stoull(step));
    } else if (what == "hear-all") {
      wire_.read_to_end();
    } else if (what == "answer") {
      answers_ = true;
      while (wire_.read_some()) answer_all();
    } else if (what == "stop") {
      keep_heard();
      ::raise(SIGSTOP);
    } else if (what == "crash") {
      keep_heard();
      const rlimit no_core{0, 0};
      ::setrlimit(RLIMIT_CORE, &no_core);
      ::signal(SIGSEGV, SIG_DFL);
      ::raise(SIGSEGV);
    } else if (what == "exit") {
      keep_heard();
      ::_exit(std::stoi(step));
    } else {
      throw std::runtime_error("no step " + what);
    }
  }

 private:
  // Naive on purpose: it is no reader of ours that is to find the frames here.
  void answer_all() {
    std::size_t from = 0;
    std::string answers;
    while (true) {
      const std::size_t blank = unread_.find("\r\n\r\n", from);
      if (blank == std::string::npos) break;
      const std::size_t length = std::stoul(unread_.substr(unread_.find(": ", from) + 2, 12));
      if (unread_.size() < blank + 4 + length) break;
      answers += answer_to(nlohmann::json::parse(unread_.substr(blank + 4, length)));
      from = blank + 4 + length;
    }
    unread_.erase(0, from);
    wire_.send(answers);
  }
  static std::string answer_to(const nlohmann::json& message) {
    if (!message.contains("id") || !message.contains("method")) return {};
    nlohmann::json answer = {{"jsonrpc", "2.0"}, {"id", message["id"]}, {"result", nullptr}};
    const std::string initialized = stream_of(Traffic{"initialized"});
    if (message["method"] == "initialize")
      answer["result"] = nlohmann::json::parse(initialized.substr(initialized.find('{')))["result"];
    if (message["method"] == "textDocument/inlineCompletion")
      answer["result"]["items"] =
          nlohmann::json::array({{{"insertText", "completion_" + message["id"].dump() + "();"}}});
    return framed(answer.dump());
  }

  void keep_heard() { keep("heard", heard_.text()); }
  // Whole or not there: the test looks while we write.
  void keep(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / (name + ".new")) << text;
    std::filesystem::rename(folder_ / (name + ".new"), folder_ / name);
  }

  const std::filesystem::path folder_;
  Digest heard_;
  bool answers_ = false;
  std::string unread_;
  Duplex wire_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 1;
  try {
    Server server(argv[1]);
    for (int i = 2; i < argc; ++i) server.follow(argv[i]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "chaos server: " << error.what() << '\n';
    return 1;
  }
}
