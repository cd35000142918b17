// A document as the simulated editor sees it: one string, positions counted afresh each time.
//
// Deliberately naive and shared with no part of the product, so that a mistake in lsp/ cannot hide
// behind the same mistake here. Values; no thread. Offsets are bytes of UTF-8; positions follow the
// negotiated encoding. Lines end at "\n".
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace strop::simulation {

enum class Encoding { kUtf16, kUtf8 };

// UTF-16 code units of a UTF-8 text.
std::size_t utf16_length(std::string_view text);

// Bytes of the UTF-8 character that begins at `offset`; at least 1.
std::size_t character_length(std::string_view text, std::size_t offset);

// `text` with its line breaks as CRLF.
std::string with_crlf(std::string_view text);

class NaiveDocument {
 public:
  NaiveDocument() = default;
  NaiveDocument(std::string text, Encoding encoding)
      : text_(std::move(text)), encoding_(encoding) {}

  const std::string& text() const { return text_; }
  bool crlf() const { return text_.find("\r\n") != std::string::npos; }
  nlohmann::json position(std::size_t offset) const;
  std::size_t offset(const nlohmann::json& position) const;

  void replace(std::size_t begin, std::size_t end, std::string_view with) {
    text_.replace(begin, end - begin, with);
  }

 private:
  std::string text_;
  Encoding encoding_ = Encoding::kUtf16;
};

}  // namespace strop::simulation
