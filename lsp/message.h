// What a message is, from its top level alone: a request, an answer, a notification; its id.
//
// Plain values, no ownership beyond their strings; pure functions, any thread. No errors, nothing
// throws: whatever is not clearly one JSON-RPC message is kUnknown. Values below the top level are
// skipped, not checked, and nothing is built or copied but the id and the method.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace strop::lsp {

// An id: the integer 1 and the string "1" are two. nullptr: absent, or JSON's null.
using MessageId = std::variant<std::nullptr_t, std::int64_t, std::string>;

enum class MessageKind {
  kUnknown,       // not an object, a batch, a broken one, a method or id of a wrong type
  kRequest,       // method and id
  kNotification,  // method, no id
  kResponse       // id, no method
};

struct Peeked {
  MessageKind kind = MessageKind::kUnknown;
  std::string method;      // unescaped; empty in a response
  MessageId id = nullptr;  // of a request or response
  std::string raw_id;      // the id's JSON text as it stands in the message; empty: there is none
  bool has_error = false;  // a response with an `error` that is not null
};

// The last of keys that stand twice counts, as in JSON.parse.
Peeked peek(std::string_view body);

// What the beginning of a message says of it.
struct Glanced {
  std::string_view method;  // of a request or notification; of the message's own bytes
  MessageId id = nullptr;   // of an answer: to which request
};
// Looks no further than the method or, in an answer, the result; so it takes the first of keys that
// stand twice. Nothing: what is there does not say, or says it with escapes, or an answer's id is
// behind its result.
std::optional<Glanced> glance(std::string_view start);

// The id that a JSON text stands for (as in Peeked::raw_id); nullptr for null and for no valid id.
MessageId parse_id(std::string_view json_text);

// The same of a parsed value, such as the `id` of $/cancelRequest's parameters.
MessageId id_of(const nlohmann::json& value);

// The id as JSON text: 7, "a\"b", null.
std::string id_to_json(const MessageId& id);

struct MessageIdHash {
  std::size_t operator()(const MessageId& id) const { return std::hash<MessageId>{}(id); }
};

}  // namespace strop::lsp
