#include "simulation/dialect.h"

namespace strop::simulation {

std::optional<Dialect> dialect_by_name(const std::string& name) {
  if (name == "lsp") return Dialect::kLsp;
  if (name == "copilot") return Dialect::kCopilot;
  if (name == "copilot-old") return Dialect::kCopilotOld;
  if (name == "tabby") return Dialect::kTabby;
  if (name == "llm-ls") return Dialect::kLlmLs;
  return std::nullopt;
}

std::string completion_method(Dialect dialect, bool invoked) {
  if (dialect == Dialect::kCopilotOld) return invoked ? "getCompletionsCycling" : "getCompletions";
  return dialect == Dialect::kLlmLs ? "llm-ls/getCompletions" : "textDocument/inlineCompletion";
}

bool is_completion_method(const std::string& method) {
  return method == "textDocument/inlineCompletion" || method.starts_with("getCompletions") ||
         method == "llm-ls/getCompletions";
}

}  // namespace strop::simulation
