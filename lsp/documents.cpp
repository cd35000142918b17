#include "lsp/documents.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace strop::lsp {
namespace {

// "To the end of the document", as clients write it that do not count the lines first.
constexpr std::uint32_t kEndOfDocument = std::numeric_limits<std::int32_t>::max();

bool continues_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::string shown(const Position& position) {
  return std::to_string(position.line) + ':' + std::to_string(position.character);
}

// Bytes that both texts begin with, no code point cut.
std::size_t common_prefix(std::string_view a, std::string_view b) {
  const std::size_t limit = std::min(a.size(), b.size());
  // In blocks first: memcmp is far quicker than a loop of ours.
  constexpr std::size_t kBlock = 256;
  std::size_t length = 0;
  while (limit - length >= kBlock && a.substr(length, kBlock) == b.substr(length, kBlock))
    length += kBlock;
  while (length < limit && a[length] == b[length]) ++length;
  const auto cut = [length = &length](std::string_view text) {
    return *length < text.size() && continues_code_point(text[*length]);
  };
  while (length > 0 && (cut(a) || cut(b))) --length;
  return length;
}

// Bytes that both texts end with, no code point cut.
std::size_t common_suffix(std::string_view a, std::string_view b) {
  const std::size_t limit = std::min(a.size(), b.size());
  constexpr std::size_t kBlock = 256;
  std::size_t length = 0;
  while (limit - length >= kBlock && a.substr(a.size() - length - kBlock, kBlock) ==
                                         b.substr(b.size() - length - kBlock, kBlock))
    length += kBlock;
  while (length < limit && a[a.size() - length - 1] == b[b.size() - length - 1]) ++length;
  while (length > 0 && continues_code_point(a[a.size() - length])) --length;
  return length;
}

}  // namespace

void revert(std::string& text, const std::vector<AppliedEdit>& edits) {
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit)
    text.replace(edit->start, edit->new_text.size(), edit->old_text);
}

Document::Document(TextDocumentItem item, Encoding encoding)
    : uri_(std::move(item.uri)),
      language_id_(std::move(item.languageId).value_or("")),
      version_(item.version),
      text_(std::move(item.text)),
      lines_(text_),
      encoding_(encoding) {}

Offset Document::offset_at(const Position& position) const {
  return lines_.offset_at(text_, position, encoding_);
}

Position Document::position_at(std::size_t offset) const { return position_at(offset, encoding_); }

Position Document::position_at(std::size_t offset, Encoding encoding) const {
  return lines_.position_at(text_, offset, encoding);
}

tl::expected<std::size_t, std::string> Document::edit_offset(const Position& position) const {
  const std::size_t lines = lines_.line_count();
  if (position.line > lines && position.line < kEndOfDocument)
    return tl::make_unexpected("position " + shown(position) + " is beyond the document's " +
                               std::to_string(lines) + " lines");
  const Offset found = offset_at(position);
  if (found.exact || position.line >= lines) return found.offset;
  const std::size_t end =
      lines_.line_start(position.line) + lines_.line_text(text_, position.line).size();
  if (found.offset < end)
    return tl::make_unexpected("position " + shown(position) + " lies within a character");
  return end;
}

tl::expected<AppliedEdit, std::string> Document::apply(
    const TextDocumentContentChangePartial& change) {
  const auto start = edit_offset(change.range.start);
  if (!start) return tl::make_unexpected(start.error());
  const auto end = edit_offset(change.range.end);
  if (!end) return tl::make_unexpected(end.error());
  if (*start > *end)
    return tl::make_unexpected("range ends at " + shown(change.range.end) +
                               " before it starts at " + shown(change.range.start));
  return replace(*start, *end - *start, change.text);
}

AppliedEdit Document::apply(const TextDocumentContentChangeWholeDocument& change) {
  const std::string_view before = text_;
  const std::string_view after = change.text;
  const std::size_t prefix = common_prefix(before, after);
  const std::size_t suffix = common_suffix(before.substr(prefix), after.substr(prefix));
  return replace(prefix, before.size() - prefix - suffix,
                 after.substr(prefix, after.size() - prefix - suffix));
}

AppliedEdit Document::replace(std::size_t start, std::size_t removed, std::string_view inserted) {
  AppliedEdit edit{start, text_.substr(start, removed), std::string(inserted)};
  text_.replace(start, removed, inserted);
  lines_.replaced(text_, start, removed, inserted.size());
  return edit;
}

void DocumentStore::set_encoding(Encoding encoding) {
  encoding_ = encoding;
  for (auto& [uri, document] : documents_) document.encoding_ = encoding;
}

const Document& DocumentStore::open(TextDocumentItem item) {
  std::string uri = item.uri;
  return documents_.insert_or_assign(std::move(uri), Document(std::move(item), encoding_))
      .first->second;
}

tl::expected<AppliedChange, std::string> DocumentStore::change(
    const DidChangeTextDocumentParams& params) {
  const auto found = documents_.find(params.textDocument.uri);
  if (found == documents_.end())
    return tl::make_unexpected("change of a document that is not open: " + params.textDocument.uri);
  Document& document = found->second;
  AppliedChange applied{params.textDocument.version, {}, false, false};
  for (const TextDocumentContentChangeEvent& event : params.contentChanges) {
    if (const auto* whole = std::get_if<TextDocumentContentChangeWholeDocument>(&event)) {
      applied.whole_document = true;
      if (!document.synced_) applied.resynced = true;
      document.synced_ = true;
      AppliedEdit edit = document.apply(*whole);
      if (!edit.old_text.empty() || !edit.new_text.empty())
        applied.edits.push_back(std::move(edit));
      continue;
    }
    if (!document.synced_)
      return tl::make_unexpected("edit of an unsynced document: " + document.uri_);
    auto edit = document.apply(std::get<TextDocumentContentChangePartial>(event));
    if (!edit) {
      document.synced_ = false;
      return tl::make_unexpected("edit does not fit " + document.uri_ + ": " + edit.error());
    }
    applied.edits.push_back(std::move(*edit));
  }
  document.version_ = params.textDocument.version;
  return applied;
}

bool DocumentStore::close(std::string_view uri) {
  const auto found = documents_.find(uri);
  if (found == documents_.end()) return false;
  documents_.erase(found);
  return true;
}

bool DocumentStore::rename(std::string_view old_uri, const std::string& new_uri) {
  const auto found = documents_.find(old_uri);
  if (found == documents_.end() || documents_.contains(new_uri)) return false;
  auto node = documents_.extract(found);
  node.key() = new_uri;
  node.mapped().uri_ = new_uri;
  documents_.insert(std::move(node));
  return true;
}

void DocumentStore::mark_unsynced(std::string_view uri) {
  const auto found = documents_.find(uri);
  if (found != documents_.end()) found->second.synced_ = false;
}

void DocumentStore::mark_all_unsynced() {
  for (auto& [uri, document] : documents_) document.synced_ = false;
}

const Document* DocumentStore::find(std::string_view uri) const {
  const auto found = documents_.find(uri);
  return found == documents_.end() ? nullptr : &found->second;
}

}  // namespace strop::lsp
