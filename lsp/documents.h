// The open documents as the editor has them, kept by its didOpen, didChange, didClose and renames.
//
// The store owns the documents; pointers to one are valid until it is closed, renamed or reopened.
// One thread. Offsets are bytes. Errors are values: an edit that does not fit makes its document
// unsynced, and it then takes no edits until a didOpen or a change of the whole document.
// A keystroke in a document of 1 MB costs under 100 µs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "lsp/position.h"
#include "lsp/types_generated.h"

namespace strop::lsp {

// One edit as it was done. `start` counts in the text as it was just before this very edit.
struct AppliedEdit {
  std::size_t start = 0;
  std::string old_text;
  std::string new_text;
  bool operator==(const AppliedEdit&) const = default;
};

struct AppliedChange {
  std::optional<std::int32_t> version;
  // In the order done; each applies to the text that the one before it left. A change of the whole
  // document is one edit of what differs between the ends that old and new have in common.
  std::vector<AppliedEdit> edits;
  bool whole_document = false;  // at least one change carried the whole text
  bool resynced = false;        // the document was unsynced before and is in step again
};

// Takes the edits back, last one first: gives the text before from the text after.
// REQUIRES: `text` is what the edits led to.
void revert(std::string& text, const std::vector<AppliedEdit>& edits);

class Document {
 public:
  Document(TextDocumentItem item, Encoding encoding);

  const std::string& uri() const { return uri_; }
  const std::string& language_id() const { return language_id_; }
  std::optional<std::int32_t> version() const { return version_; }
  const std::string& text() const { return text_; }
  const LineIndex& lines() const { return lines_; }
  bool synced() const { return synced_; }

  Offset offset_at(const Position& position) const;
  Position position_at(std::size_t offset) const;
  Position position_at(std::size_t offset, Encoding encoding) const;

 private:
  friend class DocumentStore;
  tl::expected<std::size_t, std::string> edit_offset(const Position& position) const;
  tl::expected<AppliedEdit, std::string> apply(const TextDocumentContentChangePartial& change);
  AppliedEdit apply(const TextDocumentContentChangeWholeDocument& change);
  AppliedEdit replace(std::size_t start, std::size_t removed, std::string_view inserted);

  std::string uri_;
  std::string language_id_;
  std::optional<std::int32_t> version_;
  std::string text_;
  LineIndex lines_;
  Encoding encoding_;
  bool synced_ = true;
};

class DocumentStore {
 public:
  explicit DocumentStore(Encoding encoding = Encoding::kUtf16) : encoding_(encoding) {}

  // For positions from now on: the encoding that the server's initialize result names.
  void set_encoding(Encoding encoding);
  Encoding encoding() const { return encoding_; }

  // A document that is open already starts anew.
  const Document& open(TextDocumentItem item);

  // The text before is find(uri)->text() before the call, or revert() after it.
  // Errors: an unknown document; an edit of an unsynced one; a line that there is not, a range that
  // ends before it starts, a position within a character. The document is then unsynced, its text
  // that of the last good edit. Beyond a line's end counts as its end; the line after the last, or
  // one from 2^31-1 on, as the end of the text.
  tl::expected<AppliedChange, std::string> change(const DidChangeTextDocumentParams& params);

  // False: it was not open.
  bool close(std::string_view uri);
  // Keeps text and version under a new name. False: it was not open, or the new name is.
  bool rename(std::string_view old_uri, const std::string& new_uri);

  // After a loss of messages: the text can no longer be relied on.
  void mark_unsynced(std::string_view uri);
  void mark_all_unsynced();

  // nullptr: not open.
  const Document* find(std::string_view uri) const;
  std::size_t size() const { return documents_.size(); }
  const std::map<std::string, Document, std::less<>>& all() const { return documents_; }

 private:
  Encoding encoding_;
  std::map<std::string, Document, std::less<>> documents_;
};

}  // namespace strop::lsp
