#include "collector/scrub.h"

#include "schema/secrets.h"

namespace strop::collector {
namespace {

std::size_t scrub_text(std::string& text) {
  const std::size_t found = schema::scan_secrets(text).size();
  if (found > 0) text = schema::scrub_secrets(text);
  return found;
}

// Depth is bounded before: the reader of records refuses what nests deeper.
std::size_t scrub_value(nlohmann::json& value) {
  if (value.is_string()) return scrub_text(value.get_ref<std::string&>());
  std::size_t found = 0;
  if (value.is_structured())
    for (nlohmann::json& item : value) found += scrub_value(item);
  return found;
}

}  // namespace

tl::expected<std::size_t, std::string> scrub_event(nlohmann::json& event) {
  try {
    return scrub_value(event);
  } catch (const std::exception& error) {
    return tl::unexpected(std::string("cannot look for secrets: ") + error.what());
  }
}

}  // namespace strop::collector
