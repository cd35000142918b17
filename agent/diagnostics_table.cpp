#include "agent/diagnostics_table.h"

#include <algorithm>

namespace strop::agent {
namespace {

constexpr std::size_t kMaxDocuments = 512;
constexpr std::size_t kMaxEntries = 1000;

const char* name_of(lsp::DiagnosticSeverity severity) {
  switch (severity) {
    case lsp::DiagnosticSeverity::kWarning:
      return "warning";
    case lsp::DiagnosticSeverity::kInformation:
      return "information";
    case lsp::DiagnosticSeverity::kHint:
      return "hint";
    default:
      return "error";  // the protocol leaves an absent severity to the client
  }
}

}  // namespace

void DiagnosticsTable::publish(const lsp::PublishDiagnosticsParams& params) {
  if (params.diagnostics.empty()) return forget(params.uri);
  if (by_uri_.size() >= kMaxDocuments && !by_uri_.contains(params.uri)) return;
  std::vector<Entry>& entries = by_uri_[params.uri];
  entries.clear();
  for (const lsp::Diagnostic& diagnostic : params.diagnostics) {
    if (entries.size() == kMaxEntries) break;
    entries.push_back({diagnostic.range.start.line, diagnostic.range.end.line,
                       diagnostic.severity.value_or(lsp::DiagnosticSeverity::kError)});
  }
}

void DiagnosticsTable::forget(std::string_view uri) {
  if (const auto found = by_uri_.find(uri); found != by_uri_.end()) by_uri_.erase(found);
}

schema::DiagnosticCounts DiagnosticsTable::count(std::string_view uri, std::uint32_t first,
                                                 std::uint32_t last) const {
  schema::DiagnosticCounts counts;
  const auto found = by_uri_.find(uri);
  if (found == by_uri_.end()) return counts;
  for (const Entry& entry : found->second)
    if (entry.first <= last && entry.last >= first) ++counts[name_of(entry.severity)];
  return counts;
}

}  // namespace strop::agent
