#include "trainer/serve/request_error.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

const char* type_of(int status) {
  if (status == 429) return "requests";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }

}  // namespace

json error_response(const RequestError& error) {
  return {{"error",
           {{"message", error.message},
            {"type", type_of(error.status)},
            {"param", text_or_null(error.field)},
            {"code", text_or_null(error.code)}}}};
}

std::string json_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace strop::trainer
