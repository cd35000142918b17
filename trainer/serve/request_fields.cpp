#include "trainer/serve/request_fields.h"

#include <algorithm>

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxStops = 16;
constexpr int kDeepest = 16;  // what is asked for nests three deep

}  // namespace

void refuse(const std::string& field, const std::string& wanted) {
  throw Refusal{{400, "'" + field + "' must be " + wanted, field, ""}};
}

// Walking what is nested without end would need a stack without end.
json object_of(std::string_view body) {
  bool too_deep = false;
  json out = json::parse(
      body,
      [&](int depth, json::parse_event_t, const json&) {
        too_deep = too_deep || depth > kDeepest;
        return !too_deep;
      },
      false);
  if (too_deep) throw Refusal{{400, "the body nests deeper than any request", "", ""}};
  if (!out.is_object()) throw Refusal{{400, "the body must be a JSON object", "", ""}};
  return out;
}

const json* given(const json& body, const char* field) {
  const auto found = body.find(field);
  return found == body.end() || found->is_null() ? nullptr : &*found;
}

std::string text_of(const json& body, const char* field) {
  const json* value = given(body, field);
  if (value == nullptr) return "";
  if (!value->is_string()) refuse(field, "a text");
  return value->get<std::string>();
}

bool flag_of(const json& body, const char* field, bool otherwise) {
  const json* value = given(body, field);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) refuse(field, "true or false");
  return value->get<bool>();
}

std::int64_t whole(const json& body, const char* field, std::int64_t least, std::int64_t most,
                   std::int64_t otherwise) {
  const json* value = given(body, field);
  if (value == nullptr) return otherwise;
  const std::string wanted =
      "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  if (!value->is_number_integer()) refuse(field, wanted);
  const auto number = value->get<std::int64_t>();
  if (number < least || number > most) refuse(field, wanted);
  return number;
}

double real(const json& body, const char* field, double least, double most, double otherwise) {
  const json* value = given(body, field);
  if (value == nullptr) return otherwise;
  const bool fits =
      value->is_number() && value->get<double>() >= least && value->get<double>() <= most;
  if (!fits) refuse(field, "a number from " + json(least).dump() + " to " + json(most).dump());
  return value->get<double>();
}

std::vector<std::string> stops_of(const json& body) {
  const json* value = given(body, "stop");
  if (value == nullptr) return {};
  std::vector<std::string> out;
  const auto add = [&](const json& one) {
    if (!one.is_string() || one.get_ref<const std::string&>().empty() || out.size() >= kMaxStops)
      refuse("stop", "a text or a list of at most " + std::to_string(kMaxStops) + " texts");
    out.push_back(one.get<std::string>());
  };
  if (value->is_array())
    std::for_each(value->begin(), value->end(), add);
  else
    add(*value);
  return out;
}

void check_model(const json& body, const std::string& model) {
  const std::string name = text_of(body, "model");
  if (!name.empty() && name != model)
    throw Refusal{{404, "there is no model '" + name + "'; this is '" + model + "'", "model",
                   "model_not_found"}};
}

}  // namespace strop::trainer
