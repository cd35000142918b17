// Fields of a request's JSON, read with their bounds.
//
// Pure functions; any thread. Absent and null are the same, as in OpenAI's schema. Errors: Refusal,
// which the reader of the request catches, names the field and what it may be.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/serve/request_error.h"

namespace strop::trainer {

struct Refusal {
  RequestError error;
};

[[noreturn]] void refuse(const std::string& field, const std::string& wanted);

// The object that a body is.
nlohmann::json object_of(std::string_view body);

// Nothing: absent or null.
const nlohmann::json* given(const nlohmann::json& body, const char* field);

std::string text_of(const nlohmann::json& body, const char* field);
bool flag_of(const nlohmann::json& body, const char* field, bool otherwise);
std::int64_t whole(const nlohmann::json& body, const char* field, std::int64_t least,
                   std::int64_t most, std::int64_t otherwise);
double real(const nlohmann::json& body, const char* field, double least, double most,
            double otherwise);
// `stop`: a text or a list of texts.
std::vector<std::string> stops_of(const nlohmann::json& body);
// `model` must be `model`, where it is given.
void check_model(const nlohmann::json& body, const std::string& model);

}  // namespace strop::trainer
