#include "trainer/serve/completion_request.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxTokens = 4096;
constexpr std::size_t kMaxCount = 16;
constexpr std::size_t kMaxStops = 16;
constexpr std::size_t kMaxAlternatives = 20;

struct Refusal {
  RequestError error;
};

[[noreturn]] void refuse(const std::string& field, const std::string& wanted) {
  throw Refusal{{400, "'" + field + "' must be " + wanted, field}};
}

// Absent and null are the same, as in OpenAI's schema.
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

std::string prompt_of(const json& body) {
  const json* value = given(body, "prompt");
  if (value != nullptr && value->is_array() && value->size() == 1) value = &value->front();
  if (value == nullptr || !value->is_string()) refuse("prompt", "one text");
  return value->get<std::string>();
}

std::vector<std::string> stops_of(const json& body) {
  const json* value = given(body, "stop");
  if (value == nullptr) return {};
  const json list = value->is_array() ? *value : json::array({*value});
  std::vector<std::string> out;
  for (const json& one : list) {
    if (!one.is_string() || one.get_ref<const std::string&>().empty() || out.size() >= kMaxStops)
      refuse("stop", "a text or a list of at most " + std::to_string(kMaxStops) + " texts");
    out.push_back(one.get<std::string>());
  }
  return out;
}

// What some servers do and this one does not: said, rather than passed over.
void refuse_unsupported(const json& body) {
  for (const char* field : {"stream", "echo"})
    if (const json* value = given(body, field); value != nullptr && *value != false)
      throw Refusal{{400, "'" + std::string(field) + "' is not supported; leave it out", field}};
  static const std::set<std::string> kKnown{
      "model", "prompt", "suffix", "max_tokens", "temperature", "top_p", "n", "seed", "stop",
      "logprobs", "stream", "echo",
      // No effect on what is generated here, or the default of the ones that had one.
      "user", "best_of", "presence_penalty", "frequency_penalty", "logit_bias", "stream_options"};
  for (const auto& [name, value] : body.items())
    if (!kKnown.contains(name)) throw Refusal{{400, "unknown field '" + name + "'", name}};
  for (const char* field : {"presence_penalty", "frequency_penalty"})
    if (const json* value = given(body, field); value != nullptr && *value != 0)
      refuse(field, "0: penalties are not supported");
  if (const json* value = given(body, "logit_bias"); value != nullptr && !value->empty())
    refuse("logit_bias", "empty: it is not supported");
}

json logprobs_of(const Completion& completion, const CompletionRequest& request,
                 const Tokenizer& tokenizer) {
  json tokens = json::array();
  json log_probs = json::array();
  json top = json::array();
  json offsets = json::array();
  std::size_t offset = request.prompt.size();
  for (const TokenChoice& choice : completion.tokens) {
    const std::string text = tokenizer.decode(std::vector<TokenId>{choice.token});
    tokens.push_back(text);
    log_probs.push_back(choice.log_prob);
    json others = json::object();
    for (const auto& [token, log_prob] : choice.alternatives)
      others[tokenizer.decode(std::vector<TokenId>{token})] = log_prob;
    top.push_back(std::move(others));
    offsets.push_back(offset);
    offset += text.size();
  }
  return {{"tokens", tokens},
          {"token_logprobs", log_probs},
          {"top_logprobs", top},
          {"text_offset", offsets}};
}

}  // namespace

tl::expected<CompletionRequest, RequestError> read_completion_request(std::string_view body,
                                                                      const std::string& model) {
  const json request = json::parse(body, nullptr, false);
  if (!request.is_object())
    return tl::unexpected(RequestError{400, "the body must be a JSON object", ""});
  try {
    refuse_unsupported(request);
    CompletionRequest out;
    if (const std::string name = text_of(request, "model"); !name.empty() && name != model)
      throw Refusal{{404, "there is no model '" + name + "'; this is '" + model + "'", "model"}};
    out.prompt = prompt_of(request);
    out.suffix = text_of(request, "suffix");
    out.max_tokens = whole(request, "max_tokens", 1, kMaxTokens, out.max_tokens);
    out.temperature = real(request, "temperature", 0, 2, out.temperature);
    out.top_p = real(request, "top_p", 0.001, 1, out.top_p);
    out.count = static_cast<std::size_t>(whole(request, "n", 1, kMaxCount, 1));
    whole(request, "best_of", static_cast<std::int64_t>(out.count),
          static_cast<std::int64_t>(out.count), 1);
    out.seed = static_cast<std::uint64_t>(whole(request, "seed", INT64_MIN, INT64_MAX, 0));
    out.stop = stops_of(request);
    if (given(request, "logprobs") != nullptr)
      out.logprobs = static_cast<std::size_t>(
          whole(request, "logprobs", 0, static_cast<std::int64_t>(kMaxAlternatives), 0));
    return out;
  } catch (const Refusal& refusal) {
    return tl::unexpected(refusal.error);
  }
}

json completion_response(const std::string& id, std::int64_t created, const std::string& model,
                         const std::vector<Completion>& completions,
                         const CompletionRequest& request, const Tokenizer& tokenizer,
                         const Usage& usage) {
  json choices = json::array();
  std::size_t generated = 0;
  for (std::size_t i = 0; i < completions.size(); ++i) {
    const Completion& completion = completions[i];
    generated += completion.tokens.size();
    choices.push_back(
        {{"index", i},
         {"text", completion.text},
         {"finish_reason", completion.finish == Finish::kLength ? "length" : "stop"},
         {"logprobs", request.logprobs ? logprobs_of(completion, request, tokenizer) : json()}});
  }
  return {{"id", id},
          {"object", "text_completion"},
          {"created", created},
          {"model", model},
          {"choices", choices},
          {"usage",
           {{"prompt_tokens", usage.prompt_tokens},
            {"completion_tokens", generated},
            {"total_tokens", usage.prompt_tokens + generated},
            {"prompt_tokens_details", {{"cached_tokens", usage.reused_tokens}}}}}};
}

json error_response(const RequestError& error) {
  return {{"error",
           {{"message", error.message},
            {"type", error.status >= 500 ? "server_error" : "invalid_request_error"},
            {"param", error.field.empty() ? json() : json(error.field)},
            {"code", nullptr}}}};
}

std::string json_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace strop::trainer
