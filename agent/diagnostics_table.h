// The diagnostics that a server last published, to be counted by lines.
//
// Owns a bounded copy of positions and severities, no messages. One thread. No errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lsp/types_generated.h"
#include "schema/event.h"

namespace strop::agent {

class DiagnosticsTable {
 public:
  void publish(const lsp::PublishDiagnosticsParams& params);
  void forget(std::string_view uri);
  // Those that touch the lines first to last, by severity.
  schema::DiagnosticCounts count(std::string_view uri, std::uint32_t first,
                                 std::uint32_t last) const;

 private:
  struct Entry {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    lsp::DiagnosticSeverity severity{};
  };
  std::map<std::string, std::vector<Entry>, std::less<>> by_uri_;
};

}  // namespace strop::agent
