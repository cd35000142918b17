// Why a request is refused, in OpenAI's words.
//
// Values and pure functions; any thread. No errors.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace strop::trainer {

struct RequestError {
  int status = 400;
  std::string message;
  std::string field;  // `param`; empty: the request as a whole
  std::string code;   // empty: null
};

// {"error": {"message", "type", "param", "code"}}; the type follows from the status.
nlohmann::json error_response(const RequestError& error);

// JSON text; bytes that are no UTF-8 (half a character at a completion's end) become U+FFFD.
std::string json_text(const nlohmann::json& value);

}  // namespace strop::trainer
