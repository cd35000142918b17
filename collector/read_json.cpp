#include "collector/read_json.h"

#include <simdjson.h>

namespace strop::collector {
namespace {

using nlohmann::json;
using simdjson::dom::element_type;

struct TooDeep {};

// `levels`: how many more may open. simdjson's own limit does not count what is empty.
json value_of(simdjson::dom::element element, int levels) {
  if (levels == 0 && (element.is_object() || element.is_array())) throw TooDeep{};
  switch (element.type()) {
    case element_type::OBJECT: {
      json::object_t object;
      // Agents write their fields in order: each goes to the end.
      for (const auto& [key, value] : simdjson::dom::object(element))
        object.insert_or_assign(object.end(), std::string(key), value_of(value, levels - 1));
      return object;
    }
    case element_type::ARRAY: {
      json::array_t array;
      for (const simdjson::dom::element value : simdjson::dom::array(element))
        array.push_back(value_of(value, levels - 1));
      return array;
    }
    case element_type::STRING:
      return std::string(std::string_view(element));
    case element_type::INT64: {
      const std::int64_t number = element;
      // As the value's own reader has it: what is not negative is unsigned.
      return number < 0 ? json(number) : json(static_cast<std::uint64_t>(number));
    }
    case element_type::UINT64:
      return std::uint64_t(element);
    case element_type::DOUBLE:
      return double(element);
    case element_type::BOOL:
      return bool(element);
    case element_type::NULL_VALUE:
      break;
  }
  return nullptr;
}

}  // namespace

tl::expected<json, schema::RejectCode> read_json(std::string_view text) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  switch (parser.parse(text.data(), text.size()).get(root)) {
    case simdjson::SUCCESS:
      try {
        return value_of(root, kMaxJsonDepth);
      } catch (const TooDeep&) {
        return tl::unexpected(schema::RejectCode::kTooDeep);
      }
    case simdjson::UTF8_ERROR:
      return tl::unexpected(schema::RejectCode::kBadUtf8);
    case simdjson::DEPTH_ERROR:
      return tl::unexpected(schema::RejectCode::kTooDeep);
    case simdjson::MEMALLOC:
      throw std::bad_alloc();
    default:
      return tl::unexpected(schema::RejectCode::kBadJson);
  }
}

}  // namespace strop::collector
