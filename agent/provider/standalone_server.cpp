#include "agent/provider/standalone_server.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "agent/rewrite.h"
#include "lsp/framing.h"
#include "lsp/message.h"

namespace strop::agent {
namespace {

// inlineCompletionProvider and executeCommandProvider are added where every server's answer passes.
constexpr std::string_view kInitializeResult =
    R"({"capabilities":{"positionEncoding":"utf-16","textDocumentSync":)"
    R"({"openClose":true,"change":2,"save":{"includeText":false}}},)"
    R"("serverInfo":{"name":"strop-agent"}})";

bool write_all(int output, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(output, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace

std::optional<std::string> StandaloneServer::on_message(std::string_view body) {
  const lsp::Peeked message = lsp::peek(body);
  if (message.method == "exit") ended_ = true;
  if (message.kind == lsp::MessageKind::kUnknown)
    return error_answer("null", kInvalidRequest, "this is no JSON-RPC message");
  if (message.kind != lsp::MessageKind::kRequest) return std::nullopt;
  if (shut_down_) return error_answer(message.raw_id, kInvalidRequest, "the session was shut down");
  if (message.method == "initialize" && !initialized_) {
    initialized_ = true;
    return result_answer(message.raw_id, kInitializeResult);
  }
  if (message.method == "initialize")
    return error_answer(message.raw_id, kInvalidRequest, "initialize came before");
  if (!initialized_)
    return error_answer(message.raw_id, kNotInitialized, "initialize has to come first");
  if (message.method == "shutdown") {
    shut_down_ = true;
    return null_answer(message.raw_id);
  }
  return error_answer(message.raw_id, kMethodNotFound,
                      "strop-agent has no server for " + message.method);
}

int serve_standalone(int input, int output) {
  StandaloneServer server;
  lsp::FrameReader reader;
  std::array<char, 16384> buffer{};
  while (!server.ended()) {
    const ssize_t got = ::read(input, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    reader.feed({buffer.data(), static_cast<std::size_t>(got)});
    while (const auto chunk = reader.next()) {
      if (chunk->kind != lsp::ChunkKind::kFrame || server.ended()) continue;
      const auto answer = server.on_message(chunk->body);
      if (answer && !write_all(output, frame(*answer))) return server.exit_code();
    }
  }
  return server.exit_code();
}

}  // namespace strop::agent
