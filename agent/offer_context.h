// The place where a suggestion was asked for, kept in step until the answer comes.
//
// Value; one thread. Offsets are bytes. Errors: a range that can no longer be found is nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/text_edit.h"
#include "lsp/documents.h"
#include "schema/event.h"

namespace strop::agent {

class OfferContext {
 public:
  OfferContext() = default;
  OfferContext(const lsp::Document& document, const lsp::Position& position, lsp::Encoding encoding,
               double t_ms);

  const std::string& uri() const { return uri_; }
  double asked_ms() const { return asked_ms_; }
  // The document has changed since.
  bool outrun() const { return outrun_; }
  // So much has changed that the answer has no place any more.
  bool lost() const { return lost_; }
  std::size_t cursor() const { return cursor_; }  // now

  void take(const Edit& edit);

  struct Place {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string replaces;  // when it was asked
  };
  // A range of the answer as it stands in the document now. `document`: now.
  std::optional<Place> place_of(const lsp::Range& range, const lsp::Document& document) const;
  // The same of the word before the position that `text` would replace, or of nothing there.
  Place word_before(std::string_view text) const;
  Place nothing_there() const;

  // The indentation of the line it was asked in.
  std::string indentation() const;

  // Position, prefix and suffix, as they were when it was asked.
  void fill(schema::Offered& offered) const;

 private:
  std::optional<std::size_t> column_of(const lsp::Position& position) const;
  Place place_in_line(std::size_t begin, std::size_t end) const;

  std::string uri_;
  double asked_ms_ = 0;
  lsp::Encoding encoding_ = lsp::Encoding::kUtf16;
  schema::TextPosition position_;
  std::uint32_t line_ = 0;
  std::size_t line_start_ = 0;
  std::size_t column_ = 0;  // bytes into the line
  std::string line_text_;
  std::string prefix_;
  std::string suffix_;
  std::size_t cursor_ = 0;
  std::vector<Edit> edits_;
  bool outrun_ = false;
  bool lost_ = false;
};

}  // namespace strop::agent
