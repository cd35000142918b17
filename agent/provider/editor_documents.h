// The editor's documents as the provider needs them: what surrounds the cursor at a request.
//
// Owns the documents, and copies of those that went along with a request. One thread (the direction
// from editor to server), but for set_encoding. A message is kept when it is seen and read later,
// so that relaying it does not wait for that. Errors: a document that is unknown or out of step has
// nothing around the cursor.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/provider/inline_provider.h"
#include "lsp/documents.h"

namespace strop::agent {

struct AskRules {
  bool multiline = false;   // more than a line is asked for where candidate_shape.h allows it
  bool open_files = false;  // other documents of the same language go along
};

class EditorDocuments {
 public:
  static constexpr std::size_t kMostOpenFiles = 8;
  static constexpr std::size_t kMostOfOpenFile = 256u << 10;  // a larger one is left out

  explicit EditorDocuments(AskRules rules) : rules_(rules) {}

  // didOpen, didChange, didClose; others are passed over.
  void note(std::string_view method, std::string_view body);
  // Reads what was noted.
  void catch_up();
  // Messages are missing.
  void lose();

  // Any thread: for positions from now on.
  void set_encoding(lsp::Encoding encoding) { encoding_.store(encoding); }

  // `request`: a textDocument/inlineCompletion. Nothing: no text can be told.
  std::optional<InlineAsk> around_cursor(std::string_view request, std::string_view request_id);

 private:
  struct Noted {
    std::string method;
    std::string body;
  };
  struct Used {
    std::uint64_t when = 0;                   // of all uses, the how manieth was its last
    std::shared_ptr<const std::string> text;  // nullptr: not copied since it changed
  };
  void read(const Noted& noted);
  // Edited, or looked at.
  Used& use(const std::string& uri);
  std::vector<OpenFile> others_than(const lsp::Document& document);

  const AskRules rules_;
  lsp::DocumentStore store_;
  std::map<std::string, Used> used_;  // of open documents, if open_files
  std::uint64_t uses_ = 0;
  std::vector<Noted> noted_;
  std::atomic<lsp::Encoding> encoding_{lsp::Encoding::kUtf16};
};

}  // namespace strop::agent
