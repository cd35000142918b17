// The messages that capture reads, by their methods: one list for the relay, which copies these
// alone, and for the tracker, which reads no others.
//
// A method that is missing here reaches no handler of the tracker, so that its tests fail. Pure;
// any thread. No errors: a method that is not known is not followed.
#pragma once

#include <array>
#include <string_view>

#include "agent/suggestion_tracker.h"

namespace strop::agent {

enum class Followed {
  kNo,
  kMessage,
  kWithAnswer  // and what the other side answers to it
};

struct FollowedMethod {
  std::string_view name;
  Followed what;
};

inline constexpr std::array<FollowedMethod, 36> kFollowedOfClient{
    {{"initialize", Followed::kWithAnswer},
     {"shutdown", Followed::kMessage},
     {"textDocument/didOpen", Followed::kMessage},
     {"textDocument/didChange", Followed::kMessage},
     {"textDocument/didSave", Followed::kMessage},
     {"textDocument/didClose", Followed::kMessage},
     {"workspace/didRenameFiles", Followed::kMessage},
     {"workspace/executeCommand", Followed::kMessage},
     {"$/cancelRequest", Followed::kMessage},
     {"textDocument/completion", Followed::kWithAnswer},
     {"textDocument/inlineCompletion", Followed::kWithAnswer},
     {"getCompletions", Followed::kWithAnswer},
     {"getCompletionsCycling", Followed::kWithAnswer},
     {"llm-ls/getCompletions", Followed::kWithAnswer},
     {"textDocument/codeAction", Followed::kWithAnswer},
     {"codeAction/resolve", Followed::kWithAnswer},
     {"textDocument/copilotInlineEdit", Followed::kWithAnswer},
     {"textDocument/signatureHelp", Followed::kMessage},
     {"textDocument/documentHighlight", Followed::kMessage},
     {"textDocument/formatting", Followed::kWithAnswer},
     {"textDocument/rangeFormatting", Followed::kWithAnswer},
     {"textDocument/onTypeFormatting", Followed::kWithAnswer},
     {"textDocument/willSaveWaitUntil", Followed::kWithAnswer},
     {"strop/didShow", Followed::kMessage},
     {"strop/didPartiallyAccept", Followed::kMessage},
     {"strop/didReject", Followed::kMessage},
     {"strop/rate", Followed::kMessage},
     {"textDocument/didShowCompletion", Followed::kMessage},
     {"textDocument/didShowInlineEdit", Followed::kMessage},
     {"textDocument/didPartiallyAcceptCompletion", Followed::kMessage},
     {"notifyShown", Followed::kMessage},
     {"notifyAccepted", Followed::kMessage},
     {"notifyRejected", Followed::kMessage},
     {"tabby/telemetry/event", Followed::kMessage},
     {"llm-ls/acceptCompletion", Followed::kMessage},
     {"llm-ls/rejectCompletion", Followed::kMessage}}};

inline constexpr std::array<FollowedMethod, 2> kFollowedOfServer{
    {{"textDocument/publishDiagnostics", Followed::kMessage},
     {"workspace/applyEdit", Followed::kWithAnswer}}};

// Of a request or notification. An answer is followed where its request is kWithAnswer.
constexpr Followed followed(Direction sender, std::string_view method) {
  const auto in = [method](const auto& methods) {
    for (const FollowedMethod& one : methods)
      if (one.name == method) return one.what;
    return Followed::kNo;
  };
  return sender == Direction::kClientToServer ? in(kFollowedOfClient) : in(kFollowedOfServer);
}

}  // namespace strop::agent
