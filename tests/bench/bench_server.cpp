// strop-bench-server: a language server that costs almost nothing, so that a relay before it shows.
//
//   --hello                    a frame at once, for the time from start to first byte
//   initialize                 offers inline completion and incremental changes
//   any other request          an empty result at once
//   textDocument/inlineCompletion   one suggestion at the cursor
//   bench/give {"bytes":N}     a result of N bytes
//   bench/load {"hz":N}        diagnostics of about 1 KB, N times a second until bench/quiet
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "bench/lean_reader.h"

namespace {

using strop::bench::framed;
using strop::bench::LeanReader;
using strop::bench::number_after;
using strop::bench::write_all;

constexpr std::string_view kCapabilities =
    R"({"capabilities":{"textDocumentSync":{"openClose":true,"change":2},)"
    R"("executeCommandProvider":{"commands":["bench.run"]},"inlineCompletionProvider":true},)"
    R"("serverInfo":{"name":"strop-bench-server"}})";

bool is_about(std::string_view body, std::string_view method) {
  return body.find(method) != std::string_view::npos;
}

std::string suggestion(std::string_view body) {
  const std::string line = std::to_string(number_after(body, "\"line\":", 0));
  const std::string at = R"({"line":)" + line + R"(,"character":)" +
                         std::to_string(number_after(body, "\"character\":", 0)) + "}";
  return R"({"items":[{"insertText":"value = compute(left, right);","range":{"start":)" + at +
         R"(,"end":)" + at + "}}]}";
}

std::string result_of(std::string_view body) {
  if (is_about(body, "\"initialize\"")) return std::string(kCapabilities);
  if (is_about(body, "\"textDocument/inlineCompletion\"")) return suggestion(body);
  return "null";
}

// Like source code in a message: with quotes and line ends that are escaped. Made once for a size.
const std::string& code_of(std::size_t bytes) {
  constexpr std::string_view kLine = R"(    const auto value = look_up(names, \"left\", 12);\n)";
  static std::string code;
  code.resize(std::min(code.size(), bytes));
  while (code.size() < bytes) code += kLine;
  // A line that is cut could end in a lone backslash.
  if (code.size() > bytes)
    code.replace(code.size() - kLine.size(), std::string::npos,
                 bytes - (code.size() - kLine.size()), ' ');
  return code;
}

bool give(long id, std::size_t bytes) {
  const std::string head = R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"result":")";
  const std::string& code = code_of(bytes);
  const std::size_t length = head.size() + code.size() + 2;
  return write_all(STDOUT_FILENO,
                   "Content-Length: " + std::to_string(length) + "\r\n\r\n" + head) &&
         write_all(STDOUT_FILENO, code) && write_all(STDOUT_FILENO, "\"}");
}

// Each frame in one write of less than PIPE_BUF, so that it cannot mix with an answer's.
class Load {
 public:
  ~Load() { stop(); }
  void start(long hz) {
    stop();
    running_ = true;
    thread_ = std::thread([this, hz] {
      const std::string frame = framed(
          R"({"jsonrpc":"2.0","method":"textDocument/publishDiagnostics","params":{"uri":"file:///bench/other.cpp",)"
          R"("diagnostics":[{"range":{"start":{"line":1,"character":1},"end":{"line":1,"character":9}},"severity":2,)"
          R"("message":")" +
          std::string(800, 'm') + R"("}]}})");
      auto next = std::chrono::steady_clock::now();
      while (running_) {
        if (!write_all(STDOUT_FILENO, frame)) return;
        next += std::chrono::nanoseconds(1'000'000'000 / hz);
        std::this_thread::sleep_until(next);
      }
    });
  }
  void stop() {
    running_ = false;
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> running_{false};
  std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--hello" && !write_all(STDOUT_FILENO, framed("{}")))
    return 1;
  LeanReader reader(STDIN_FILENO);
  Load load;
  std::string_view body;
  while (reader.next(body)) {
    if (is_about(body, "\"exit\"")) return 0;
    if (is_about(body, "\"bench/load\"")) load.start(number_after(body, "\"hz\":", 1));
    if (is_about(body, "\"bench/quiet\"")) load.stop();
    const long id = number_after(body.substr(0, 64), "\"id\":", -1);
    if (id < 0) continue;
    if (is_about(body, "\"bench/give\"")) {
      if (!give(id, static_cast<std::size_t>(number_after(body, "\"bytes\":", 0)))) return 1;
      continue;
    }
    const std::string answer = framed(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) +
                                      R"(,"result":)" + result_of(body) + "}");
    if (!write_all(STDOUT_FILENO, answer)) return 1;
  }
  return 0;
}
