// What the two sides of a chaos test say: long, deterministic streams of bytes, by kind, count and
// seed, and how a stream is compared without being kept.
//
// Values and pure functions; any thread. Both the test and strop-chaos-server make the same stream
// from the same words. Sizes are bytes. An unknown kind is an exception.
#pragma once

#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

namespace strop::support {

// A stream's size and content, in a few bytes (FNV-1a).
class Digest {
 public:
  void add(std::string_view bytes) {
    size_ += bytes.size();
    for (const char c : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  std::uint64_t size() const { return size_; }
  std::string text() const { return std::to_string(size_) + " bytes, " + std::to_string(hash_); }

 private:
  std::uint64_t size_ = 0;
  std::uint64_t hash_ = 14695981039346656037u;
};

inline std::string digest_of(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.text();
}

inline std::string framed(std::string_view body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

// "KIND:COUNT:SEED" as the chaos server's steps name it.
struct Traffic {
  std::string kind;
  unsigned count = 1;
  unsigned seed = 1;

  std::string words() const {
    return kind + ":" + std::to_string(count) + ":" + std::to_string(seed);
  }
};

class TrafficMaker {
 public:
  explicit TrafficMaker(const Traffic& traffic) : traffic_(traffic), random_(traffic.seed) {}

  std::string make() {
    const std::string& kind = traffic_.kind;
    if (kind == "initialize") return initialize();
    if (kind == "initialized") return initialized();
    if (kind == "large") return framed(notification("window/logMessage", "message", large()));
    if (kind == "junk") return junk();
    if (kind == "results") return results();
    std::string all;
    for (unsigned i = 0; i < traffic_.count; ++i) all += one(i);
    return all;
  }

 private:
  std::string one(unsigned i) {
    const std::string& kind = traffic_.kind;
    const std::string n = std::to_string(i);
    if (kind == "changes")
      return framed(
          R"({"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":)"
          R"({"uri":"file:///chaos/a.txt","version":)" +
          n +
          R"(},"contentChanges":[{"range":{"start":{"line":0,"character":0},"end":)"
          R"({"line":0,"character":0}},"text":")" +
          text(1000) + "\"}]}}");
    if (kind == "messages") return framed(notification("window/logMessage", "message", text(1500)));
    if (kind == "registrations") return registration(i);
    if (kind == "registered")
      return framed(R"({"jsonrpc":"2.0","id":"r)" + n + R"(","result":null})");
    if (kind == "requests")
      return framed(R"({"jsonrpc":"2.0","id":)" + std::to_string(i + 100) +
                    R"(,"method":"textDocument/)" +
                    (i % 2 == 0 ? "inlineCompletion" : "completion") +
                    R"(","params":{"textDocument":{"uri":"file:///chaos/a.txt"},"position":)"
                    R"({"line":0,"character":0},"context":{"triggerKind":1}}})");
    if (kind == "cancels")
      return framed(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":)" +
                    std::to_string(i + 100) + "}}");
    throw std::runtime_error("no traffic of the kind " + kind);
  }

  static std::string notification(const std::string& method, const std::string& key,
                                  const std::string& value) {
    return R"({"jsonrpc":"2.0","method":")" + method + R"(","params":{"type":4,")" + key +
           R"(":")" + value + "\"}}";
  }

  static std::string initialize() {
    return framed(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"processId":null,)"
                  R"("rootUri":"file:///chaos","capabilities":{}}})") +
           framed(R"({"jsonrpc":"2.0","method":"initialized","params":{}})") +
           framed(R"({"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":)"
                  R"({"uri":"file:///chaos/a.txt","languageId":"plaintext","version":0,)"
                  R"("text":""}}})");
  }
  // With a command, so that the agent has a list to add its own to.
  static std::string initialized() {
    return framed(R"({"jsonrpc":"2.0","id":0,"result":{"capabilities":{"executeCommandProvider":)"
                  R"({"commands":["chaos.run"]},"inlineCompletionProvider":true},)"
                  R"("serverInfo":{"name":"chaos"}}})");
  }

  std::string registration(unsigned i) {
    const std::string id = std::to_string(i);
    static const char* const kOptions[] = {
        R"("method":"workspace/executeCommand","registerOptions":{"commands":["chaos.more"]})",
        R"("method":"textDocument/inlineCompletion","registerOptions":{})",
        R"("method":"workspace/didChangeWatchedFiles","registerOptions":{"watchers":[]})"};
    std::string all =
        framed(R"({"jsonrpc":"2.0","id":"r)" + id +
               R"(","method":"client/registerCapability","params":{"registrations":[{"id":"c)" +
               id + "\"," + kOptions[i % 3] + "}]}}");
    if (i % 5 == 4)
      all += framed(R"({"jsonrpc":"2.0","id":"u)" + id +
                    R"(","method":"client/unregisterCapability","params":{"unregisterations":[)"
                    R"({"id":"c)" +
                    std::to_string(i - i % 5) + R"(","method":"workspace/executeCommand"}]}})");
    return all;
  }

  // The answers to "requests", the last first.
  std::string results() const {
    std::string all;
    for (unsigned i = traffic_.count; i-- > 0;) {
      const std::string id = std::to_string(i + 100);
      all += framed(i % 3 == 2 ? R"({"jsonrpc":"2.0","id":)" + id +
                                     R"(,"error":{"code":-32800,"message":"cancelled"}})"
                               : R"({"jsonrpc":"2.0","id":)" + id +
                                     R"(,"result":{"items":[{"insertText":")" + "answer_" + id +
                                     R"(();"}]}})");
    }
    return all;
  }

  // `count` MiB in one message's text.
  std::string large() {
    std::string all;
    const std::string piece = text(1u << 20);
    for (unsigned i = 0; i < traffic_.count; ++i) all += std::to_string(i % 10) + piece.substr(1);
    return all;
  }

  // Frames with what is none between them: halves of headers, lengths that lie, any bytes at all.
  std::string junk() {
    static const std::string kPieces[] = {"Content-Length: 7\r\n",
                                          "Content-Length: 40\r\n\r\n",
                                          "\r\n\r\n",
                                          "{\"jsonrpc\":\"2.0\"",
                                          "Content-Length: -3\r\n\r\n",
                                          "Content-Type: x\r\n",
                                          "content-length:0\n\n",
                                          "Content-Length: 99999999999999999999\r\n\r\n"};
    std::string all;
    for (unsigned i = 0; i < traffic_.count; ++i) {
      if (below(3) == 0) all += kPieces[below(std::size(kPieces))];
      if (below(4) == 0)
        for (unsigned j = below(60); j > 0; --j) all += static_cast<char>(below(256));
      all += framed(notification("window/logMessage", "message", text(1 + below(200))));
    }
    return all;
  }

  unsigned below(std::size_t end) {
    return std::uniform_int_distribution<unsigned>(0, static_cast<unsigned>(end) - 1)(random_);
  }
  std::string text(std::size_t size) {
    std::string out;
    while (out.size() < size) out += below(40) == 0 ? "\\n\xc3\xa9" : std::string(8, letter());
    return out;
  }
  char letter() { return static_cast<char>('a' + below(26)); }

  const Traffic traffic_;
  std::mt19937 random_;
};

inline std::string stream_of(const Traffic& traffic) { return TrafficMaker(traffic).make(); }

}  // namespace strop::support
