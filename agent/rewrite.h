// Everything the relay may change in a message, and nothing else.
//
// Pure functions over a message's body, any thread. Each exchanges or adds the few bytes that it is
// about, so that order of keys, numbers, escapes and white space of the rest stay as they were.
// Nothing as a result means: no change is due, or the message is not as it should be; the original
// goes on.
//
// The accept command is announced once a connection: editors register commands globally and some
// (VS Code) throw at a second registration of the same name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strop::agent {

// strop.accept.<128 random bits in hex>: one a process.
std::string make_accept_command();

// What a server says it can do, of what matters here.
struct ServerFacts {
  bool valid = false;  // a successful answer to initialize, with capabilities
  std::string name;
  std::string position_encoding;  // empty: not said
  bool inline_completion = false;
  std::vector<std::string> commands;
  bool operator==(const ServerFacts&) const = default;
};
ServerFacts read_server_facts(std::string_view initialize_answer);

// The initialize answer, in which executeCommandProvider has gained the command (if it is not
// empty) and inlineCompletionProvider has appeared (if `offer_inline` and the server has none).
std::optional<std::string> announce(std::string_view initialize_answer,
                                    std::string_view accept_command, bool offer_inline);

// One registration of client/registerCapability.
struct Registered {
  std::string id;
  std::string method;
  std::vector<std::string> commands;  // of workspace/executeCommand
  bool operator==(const Registered&) const = default;
};
std::vector<Registered> read_registrations(std::string_view request);
// The ids that client/unregisterCapability names.
std::vector<std::string> read_unregistrations(std::string_view request);

// client/registerCapability, in which the first registration of workspace/executeCommand has
// gained the command.
std::optional<std::string> announce_in_registration(std::string_view request,
                                                    std::string_view accept_command);

// An answer to textDocument/inlineCompletion, in which the items without a command, or with one of
// `own_commands`, have the accept command around it.
std::optional<std::string> wrap_items(std::string_view answer, std::string_view accept_command,
                                      std::string_view request_id,
                                      const std::vector<std::string>& own_commands);

// A workspace/executeCommand of the accept command.
struct Accept {
  // The same request for the command inside; nothing: there is none, the agent itself answers.
  std::optional<std::string> inner_request;
};
// Nothing: another command.
std::optional<Accept> read_accept(std::string_view request, std::string_view accept_command);

// Whether the editor sends an item back in a message of this method.
bool carries_item(std::string_view method);
// Such a message, in which the item has the command that it had before it was wrapped, or none.
std::optional<std::string> unwrap_item(std::string_view message, std::string_view accept_command);

// Answers of the agent's own. `id`: its JSON text.
std::string null_answer(std::string_view id);
std::string result_answer(std::string_view id, std::string_view result);
std::string error_answer(std::string_view id, int code, std::string_view message);
inline constexpr int kRequestCancelled = -32800;
inline constexpr int kRequestFailed = -32803;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kNotInitialized = -32002;

// The frame of `body`; with the other fields of `header` where that is given: a frame's header
// block.
std::string frame(std::string_view body, std::string_view header = {});

}  // namespace strop::agent
