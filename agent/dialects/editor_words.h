// What editors say about a suggestion in messages of their own: Copilot's, Tabby's, llm-ls', and
// Strop's rating.
//
// Pure functions; any thread. No errors: a message that says nothing usable is no word.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lsp/message.h"

namespace strop::agent {

// An inline item that the agent has put its own command around: which one it is.
struct WrappedItem {
  std::string command;  // the agent's
  lsp::MessageId request;
  std::size_t index = 0;  // in the answer to it
};
// `command`: an LSP Command, or the params of its workspace/executeCommand.
std::optional<WrappedItem> wrapped_item(const nlohmann::json& command);

struct EditorWord {
  enum class Kind { kShown, kPartial, kAccepted, kDismissed, kRated };
  Kind kind = Kind::kShown;
  // By what the suggestion is known: its item, that item's command and text, the marks of items,
  // its own id.
  std::optional<WrappedItem> wrapped;
  std::string command;
  std::string text;
  std::vector<std::string> marks;
  std::string suggestion;           // kRated; empty: the last one accepted
  std::size_t utf16_units = 0;      // kPartial: accepted so far
  std::optional<std::size_t> item;  // kAccepted: which of those with the mark
  std::map<std::string, int> dimensions;
  std::string reason;
};

// True for the methods that may hold one.
bool may_be_word(std::string_view method);

std::optional<EditorWord> read_editor_word(std::string_view method, const nlohmann::json& params);

}  // namespace strop::agent
