#include "agent/raw_json.h"

#include <simdjson.h>
#include <nlohmann/json.hpp>

namespace strop::agent {
namespace {

namespace ondemand = simdjson::ondemand;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// The parser wants room behind the text, so it reads a copy; its views are carried over.
class Copy {
 public:
  explicit Copy(std::string_view text) : text_(text), copy_(text) {}

  ondemand::document open() { return parser_.iterate(copy_); }

  std::string_view original(std::string_view of_copy) const {
    return text_.substr(static_cast<std::size_t>(of_copy.data() - copy_.data()), of_copy.size());
  }

 private:
  std::string_view text_;
  simdjson::padded_string copy_;
  ondemand::parser parser_;
};

// simdjson's views go on to the next token.
std::string_view raw(ondemand::value value) {
  switch (value.type()) {
    case ondemand::json_type::object:
      return trimmed(value.get_object().value().raw_json());
    case ondemand::json_type::array:
      return trimmed(value.get_array().value().raw_json());
    default:
      return trimmed(value.raw_json_token());
  }
}

}  // namespace

bool is_json(std::string_view text) { return nlohmann::json::accept(text); }

std::optional<std::vector<JsonMember>> json_members(std::string_view object) {
  if (!is_json_object(object)) return std::nullopt;
  try {
    Copy copy(object);
    ondemand::document document = copy.open();
    std::vector<JsonMember> members;
    for (auto field : document.get_object()) {
      JsonMember member;
      const char* begin = field.key().value().raw() - 1;  // the quote before it
      member.key = std::string(std::string_view(field.unescaped_key()));
      const std::string_view value = raw(field.value());
      member.value = copy.original(value);
      member.text =
          copy.original({begin, static_cast<std::size_t>(value.data() + value.size() - begin)});
      members.push_back(std::move(member));
    }
    return members;
  } catch (const simdjson::simdjson_error&) {
    return std::nullopt;
  }
}

std::optional<std::vector<std::string_view>> json_elements(std::string_view list) {
  if (!trimmed(list).starts_with('[')) return std::nullopt;
  try {
    Copy copy(list);
    ondemand::document document = copy.open();
    std::vector<std::string_view> elements;
    for (auto element : document.get_array())
      elements.push_back(copy.original(raw(element.value())));
    return elements;
  } catch (const simdjson::simdjson_error&) {
    return std::nullopt;
  }
}

std::optional<std::string_view> json_at(std::string_view object, std::string_view key) {
  std::optional<std::string_view> found;
  const auto members = json_members(object);
  for (std::size_t i = 0; members && i < members->size(); ++i)
    if ((*members)[i].key == key) found = (*members)[i].value;
  return found;
}

std::optional<std::string> json_string(std::string_view value) {
  if (!trimmed(value).starts_with('"')) return std::nullopt;
  const auto parsed = nlohmann::json::parse(value, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_string()) return std::nullopt;
  return parsed.get<std::string>();
}

bool is_json_object(std::string_view value) { return trimmed(value).starts_with('{'); }

std::string json_quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::size_t JsonEdits::offset_of(std::string_view part) const {
  return static_cast<std::size_t>(part.data() - text_.data());
}

void JsonEdits::replace(std::string_view part, std::string replacement) {
  edits_[offset_of(part)] = {part.size(), std::move(replacement)};
}

void JsonEdits::append(std::string_view whole, std::string_view element) {
  whole = trimmed(whole);
  const std::size_t end = offset_of(whole) + whole.size() - 1;
  Edit& edit = edits_[end];
  const bool first = trimmed(whole.substr(1, whole.size() - 2)).empty() && edit.inserted.empty();
  if (!first) edit.inserted += ',';
  edit.inserted += element;
}

std::string JsonEdits::apply() const {
  std::string out;
  std::size_t at = 0;
  for (const auto& [offset, edit] : edits_) {
    out.append(text_.substr(at, offset - at));
    out += edit.inserted;
    at = offset + edit.removed;
  }
  out.append(text_.substr(at));
  return out;
}

}  // namespace strop::agent
