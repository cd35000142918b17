// Peeking at a message agrees with parsing it whole, wherever it can be parsed.
#include "lsp/message.h"

#include <nlohmann/json.hpp>

#include "driver.h"

namespace {

using nlohmann::json;
using strop::fuzz::require;
using strop::lsp::MessageId;
using strop::lsp::MessageKind;
using strop::lsp::Peeked;

// What message.h says of a message, from the parsed value.
Peeked expected_of(const json& message) {
  if (!message.is_object()) return {};
  const auto method = message.find("method");
  const auto id = message.find("id");
  Peeked out;
  if (method != message.end()) {
    if (!method->is_string()) return {};
    out.method = method->get<std::string>();
  }
  if (id != message.end()) {
    out.id = strop::lsp::id_of(*id);
    if (out.id == MessageId(nullptr) && !id->is_null()) return {};
  }
  if (method == message.end() && id == message.end()) return {};
  out.kind = method == message.end() ? MessageKind::kResponse
             : id == message.end()   ? MessageKind::kNotification
                                     : MessageKind::kRequest;
  const auto error = message.find("error");
  out.has_error = out.kind == MessageKind::kResponse && error != message.end() && !error->is_null();
  return out;
}

// Holds of any bytes.
void check_alone(const Peeked& peeked) {
  if (peeked.kind == MessageKind::kUnknown)
    require(peeked.method.empty() && peeked.raw_id.empty() && peeked.id == MessageId(nullptr),
            "an unknown message has nothing");
  if (peeked.kind == MessageKind::kResponse)
    require(peeked.method.empty() && !peeked.raw_id.empty(), "a response has an id, no method");
  if (peeked.kind == MessageKind::kNotification)
    require(peeked.raw_id.empty(), "a notification has no id");
  if (peeked.kind == MessageKind::kRequest) require(!peeked.raw_id.empty(), "a request has an id");
  require(!peeked.has_error || peeked.kind == MessageKind::kResponse, "only a response has errors");
  if (!peeked.raw_id.empty())
    require(strop::lsp::parse_id(peeked.raw_id) == peeked.id, "the id is what its text stands for");
  const std::string written = strop::lsp::id_to_json(peeked.id);
  require(strop::lsp::parse_id(written) == peeked.id, "an id written is read back");
}

std::uint64_t run(std::string_view body) {
  const Peeked peeked = strop::lsp::peek(body);
  check_alone(peeked);
  const json message = json::parse(body, nullptr, false);
  // What nlohmann takes and JSON has not: a byte-order mark in front, and anything behind a NUL.
  const bool lenient =
      body.starts_with("\xef\xbb\xbf") || body.find('\0') != std::string_view::npos;
  if (!message.is_discarded() && !lenient) {
    const Peeked expected = expected_of(message);
    require(peeked.kind == expected.kind, "the kind is that of the parsed message");
    require(peeked.method == expected.method, "the method is that of the parsed message");
    require(peeked.id == expected.id, "the id is that of the parsed message");
    require(peeked.has_error == expected.has_error, "the error is that of the parsed message");
    if (!peeked.raw_id.empty())
      require(json::parse(peeked.raw_id, nullptr, false) == message["id"],
              "the id's text is the id's");
  }
  return static_cast<std::uint64_t>(peeked.kind) | (message.is_discarded() ? 8U : 0U) |
         (peeked.has_error ? 16U : 0U) | static_cast<std::uint64_t>(peeked.id.index()) << 5 |
         (peeked.method.size() % 4) << 7;
}

}  // namespace

int main(int argc, char** argv) {
  return strop::fuzz::drive({.run = run,
                             .words = {R"("id":)",
                                       R"("method":)",
                                       R"("error":)",
                                       R"("params":{})",
                                       R"("result":null)",
                                       R"("jsonrpc":"2.0",)",
                                       R"("\u0069d":)",
                                       R"("m\u0065thod":)",
                                       R"("textDocument\/didOpen")",
                                       "null",
                                       "true",
                                       "1.0",
                                       "-0",
                                       "1e2",
                                       "9007199254740993.0",
                                       "9223372036854775808",
                                       "\"",
                                       "\\",
                                       "\\\\",
                                       "\\u00e4",
                                       "\\ud83d\\ude00",
                                       "{",
                                       "}",
                                       "[",
                                       "]",
                                       ",",
                                       ":",
                                       " \t\r\n",
                                       "\xc3\xa4",
                                       "\xff",
                                       R"({"id":1,"method":"m"})"},
                             .max_size = 4096},
                            argc, argv);
}
