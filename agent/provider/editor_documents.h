// The editor's documents as the provider needs them: what surrounds the cursor at a request.
//
// Owns the documents. One thread (the direction from editor to server), but for set_encoding. A
// message is kept when it is seen and read later, so that relaying it does not wait for that.
// Errors: a document that is unknown or out of step has nothing around the cursor.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/provider/inline_provider.h"
#include "lsp/documents.h"

namespace strop::agent {

class EditorDocuments {
 public:
  // `multiline`: where nothing but white space follows on the line, more than a line is asked for.
  explicit EditorDocuments(bool multiline) : multiline_(multiline) {}

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
  void read(const Noted& noted);

  const bool multiline_;
  lsp::DocumentStore store_;
  std::vector<Noted> noted_;
  std::atomic<lsp::Encoding> encoding_{lsp::Encoding::kUtf16};
};

}  // namespace strop::agent
