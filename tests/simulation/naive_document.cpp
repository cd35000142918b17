#include "simulation/naive_document.h"

#include <algorithm>

namespace strop::simulation {

std::size_t character_length(std::string_view text, std::size_t offset) {
  std::size_t end = offset + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
  return end - offset;
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' && (out.empty() || out.back() != '\r')) out += '\r';
    out += c;
  }
  return out;
}

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes = character_length(text, i);
    units += bytes == 4 ? 2 : 1;
    i += bytes;
  }
  return units;
}

nlohmann::json NaiveDocument::position(std::size_t offset) const {
  const std::string_view before = std::string_view(text_).substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n');
  const std::size_t start =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const std::string_view in_line = before.substr(start);
  return {{"line", line},
          {"character", encoding_ == Encoding::kUtf8 ? in_line.size() : utf16_length(in_line)}};
}

std::size_t NaiveDocument::offset(const nlohmann::json& position) const {
  std::size_t at = 0;
  for (auto line = position.at("line").get<std::size_t>(); line > 0; --line) {
    const std::size_t end = text_.find('\n', at);
    if (end == std::string::npos) return text_.size();
    at = end + 1;
  }
  const auto wanted = position.at("character").get<std::size_t>();
  if (encoding_ == Encoding::kUtf8) return std::min(at + wanted, text_.size());
  for (std::size_t units = 0; units < wanted && at < text_.size() && text_[at] != '\n';) {
    const std::size_t bytes = character_length(text_, at);
    units += bytes == 4 ? 2 : 1;
    at += bytes;
  }
  return at;
}

}  // namespace strop::simulation
