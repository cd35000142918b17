#include "lsp/message.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

namespace strop::lsp {
namespace {

using nlohmann::json;

constexpr std::uint64_t repeated(char c) {
  return 0x0101010101010101u * static_cast<unsigned char>(c);
}

// Marks the bytes of `word` that are zero; the lowest mark is always right, which is all we use.
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
}

// Walks over JSON without building anything. Every taker skips white space before what it takes.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

  // The text of a string, quotes included; empty: there is none here or it has no end.
  std::string_view take_string() {
    skip_space();
    const std::size_t begin = at_;
    if (at_ == text_.size() || text_[at_] != '"' || !skip_string()) return {};
    return text_.substr(begin, at_ - begin);
  }

  // The text of any value; empty: there is none here or it has no end.
  std::string_view take_value() {
    skip_space();
    const std::size_t begin = at_;
    if (at_ == text_.size()) return {};
    const char c = text_[at_];
    const bool whole = c == '"'               ? skip_string()
                       : c == '{' || c == '[' ? skip_nested()
                                              : skip_scalar();
    return whole ? text_.substr(begin, at_ - begin) : std::string_view{};
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

  // From the opening quote to past the closing one.
  bool skip_string() {
    ++at_;
    for (;;) {
      skip_plain_words();
      if (at_ >= text_.size()) return false;
      const char c = text_[at_];
      at_ += c == '\\' ? 2 : 1;
      if (c == '"') return true;
    }
  }

  // On to the word of eight bytes with a quote or backslash in it, then to that byte.
  void skip_plain_words() {
    if constexpr (std::endian::native != std::endian::little) return;
    for (; at_ + 8 <= text_.size(); at_ += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text_.data() + at_, sizeof(word));
      const std::uint64_t found =
          zero_bytes(word ^ repeated('"')) | zero_bytes(word ^ repeated('\\'));
      if (found == 0) continue;
      at_ += static_cast<std::size_t>(std::countr_zero(found)) / 8;
      return;
    }
  }

  // From an opening bracket to past its closing one. Which kind closes which is not checked.
  bool skip_nested() {
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      switch (text_[at_]) {
        case '"':
          if (!skip_string()) return false;
          continue;
        case '{':
        case '[':
          ++depth;
          break;
        case '}':
        case ']':
          if (--depth == 0) {
            ++at_;
            return true;
          }
          break;
        default:
          break;
      }
      ++at_;
    }
    return false;
  }

  // A number, true, false, null: up to what ends them all.
  bool skip_scalar() {
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(",]}:[{\" \t\r\n", at_), text_.size());
    return at_ > begin;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f && c != '\\';
  });
}

// What a string's JSON text stands for; nothing when it is not valid.
std::optional<std::string> unescaped(std::string_view quoted) {
  const std::string_view inner = quoted.substr(1, quoted.size() - 2);
  if (is_plain(inner)) return std::string(inner);
  const json value = json::parse(quoted, nullptr, false);
  if (!value.is_string()) return std::nullopt;
  return value.get<std::string>();
}

// The keys that matter; any other is kOther.
enum class Key { kOther, kId, kMethod, kResult, kError, kInvalid };

Key key_of(std::string_view quoted) {
  if (quoted == "\"id\"") return Key::kId;
  if (quoted == "\"method\"") return Key::kMethod;
  if (quoted == "\"result\"") return Key::kResult;
  if (quoted == "\"error\"") return Key::kError;
  if (quoted.find('\\') == std::string_view::npos) return Key::kOther;
  const std::optional<std::string> key = unescaped(quoted);
  if (!key) return Key::kInvalid;
  return is_plain(*key) ? key_of('"' + *key + '"') : Key::kOther;
}

struct TopLevel {
  std::string_view method, id, error;  // JSON texts; empty: absent
};

std::optional<TopLevel> scan_top_level(std::string_view body) {
  Scanner scanner(body);
  TopLevel found;
  if (!scanner.take('{')) return std::nullopt;
  if (scanner.take('}')) return scanner.at_end() ? std::optional(found) : std::nullopt;
  do {
    const std::string_view name = scanner.take_string();
    if (name.empty() || !scanner.take(':')) return std::nullopt;
    const std::string_view value = scanner.take_value();
    if (value.empty()) return std::nullopt;
    switch (key_of(name)) {
      case Key::kMethod:
        found.method = value;
        break;
      case Key::kId:
        found.id = value;
        break;
      case Key::kError:
        found.error = value;
        break;
      case Key::kInvalid:
        return std::nullopt;
      case Key::kResult:
      case Key::kOther:
        break;
    }
  } while (scanner.take(','));
  if (!scanner.take('}') || !scanner.at_end()) return std::nullopt;
  return found;
}

}  // namespace

MessageId id_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number <= static_cast<std::uint64_t>(INT64_MAX)) return static_cast<std::int64_t>(number);
  } else if (value.is_number_integer()) {
    return value.get<std::int64_t>();
  } else if (value.is_number_float()) {
    // Some clients have only floating numbers and write 1 as 1.0; their ids stay exact up to 2^53.
    const auto number = value.get<double>();
    if (std::trunc(number) == number && std::abs(number) <= 9007199254740992.0)
      return static_cast<std::int64_t>(number);
  }
  return nullptr;
}

MessageId parse_id(std::string_view json_text) {
  std::int64_t number = 0;
  const char* end = json_text.data() + json_text.size();
  const bool plain = !json_text.empty() && json_text[0] >= '1' && json_text[0] <= '9';
  if (plain) {
    const auto [stopped, error] = std::from_chars(json_text.data(), end, number);
    if (error == std::errc() && stopped == end) return number;
  }
  // No id, and perhaps a large value: not worth building.
  if (json_text.starts_with('{') || json_text.starts_with('[')) return nullptr;
  return id_of(json::parse(json_text, nullptr, false));
}

std::string id_to_json(const MessageId& id) {
  if (const auto* number = std::get_if<std::int64_t>(&id)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&id))
    return json(*text).dump(-1, ' ', false, json::error_handler_t::replace);
  return "null";
}

Peeked peek(std::string_view body) {
  const std::optional<TopLevel> top = scan_top_level(body);
  if (!top || (top->method.empty() && top->id.empty())) return {};
  Peeked found;
  if (!top->id.empty()) {
    found.raw_id = top->id;
    found.id = parse_id(top->id);
    if (found.id == MessageId(nullptr) && top->id != "null") return {};
  }
  if (top->method.empty()) {
    found.kind = MessageKind::kResponse;
    found.has_error = !top->error.empty() && top->error != "null";
    return found;
  }
  if (top->method[0] != '"') return {};
  std::optional<std::string> method = unescaped(top->method);
  if (!method) return {};
  found.method = std::move(*method);
  found.kind = top->id.empty() ? MessageKind::kNotification : MessageKind::kRequest;
  return found;
}

std::optional<Glanced> glance(std::string_view start) {
  Scanner scanner(start);
  std::string_view id;
  if (!scanner.take('{')) return std::nullopt;
  do {
    const std::string_view name = scanner.take_string();
    if (name.empty() || !scanner.take(':')) return std::nullopt;
    const Key key = key_of(name);
    if (key == Key::kResult || key == Key::kError) {
      if (id.empty()) return std::nullopt;
      return Glanced{{}, parse_id(id)};
    }
    const std::string_view value = scanner.take_value();
    // Something always follows a value; a number that ends the text may not be all of it.
    if (value.empty() || scanner.at_end() || key == Key::kInvalid) return std::nullopt;
    if (key == Key::kId) id = value;
    if (key == Key::kMethod) {
      if (value[0] != '"' || !is_plain(value)) return std::nullopt;
      return Glanced{value.substr(1, value.size() - 2), nullptr};
    }
  } while (scanner.take(','));
  return std::nullopt;
}

}  // namespace strop::lsp
