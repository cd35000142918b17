#include "trainer/serve/completion_request.h"

#include <set>

#include "trainer/serve/request_fields.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

std::string prompt_of(const json& body) {
  const json* value = given(body, "prompt");
  if (value != nullptr && value->is_array() && value->size() == 1) value = &value->front();
  if (value == nullptr || !value->is_string()) refuse("prompt", "one text");
  return value->get<std::string>();
}

// What some servers do and this one does not: said, rather than passed over.
void refuse_unsupported(const json& body) {
  if (const json* value = given(body, "echo"); value != nullptr && *value != false)
    throw Refusal{{400, "'echo' is not supported; leave it out", "echo", ""}};
  static const std::set<std::string> kKnown{
      "model", "prompt", "suffix", "max_tokens", "temperature", "top_p", "n", "seed", "stop",
      "logprobs", "stream", "stream_options", "echo", "best_of",
      // No effect on what is generated here, or the default of the ones that had one.
      "user", "presence_penalty", "frequency_penalty", "logit_bias"};
  for (const auto& [name, value] : body.items())
    if (!kKnown.contains(name)) throw Refusal{{400, "unknown field '" + name + "'", name, ""}};
  for (const char* field : {"presence_penalty", "frequency_penalty"})
    if (const json* value = given(body, field); value != nullptr && *value != 0)
      refuse(field, "0: penalties are not supported");
  if (const json* value = given(body, "logit_bias"); value != nullptr && !value->empty())
    refuse("logit_bias", "empty: it is not supported");
}

// All of `n` are given, so the best of as many are these.
void refuse_best_of(const json& body, std::size_t count) {
  if (const json* value = given(body, "best_of"); value != nullptr && *value != count)
    throw Refusal{
        {400, "'best_of' is not supported; ask for as many with 'n' and choose", "best_of", ""}};
}

bool usage_in_stream(const json& body, bool stream) {
  const json* options = given(body, "stream_options");
  if (options == nullptr) return false;
  if (!stream) refuse("stream_options", "left out where 'stream' is not true");
  if (!options->is_object()) refuse("stream_options", "an object");
  for (const auto& [name, value] : options->items())
    if (name != "include_usage")
      throw Refusal{{400, "unknown field 'stream_options." + name + "'", "stream_options", ""}};
  return flag_of(*options, "include_usage", false);
}

json logprobs_of(const CompletionPiece& piece, const Tokenizer& tokenizer, std::size_t& offset) {
  const auto spelt = [&](TokenId token) { return std::string(tokenizer.bytes_of(token)); };
  json tokens = json::array();
  json log_probs = json::array();
  json top = json::array();
  json offsets = json::array();
  for (const TokenChoice& choice : piece.tokens) {
    const std::string text = spelt(choice.token);
    tokens.push_back(text);
    log_probs.push_back(choice.log_prob);
    json others = json::object();
    for (const auto& [token, log_prob] : choice.alternatives) others[spelt(token)] = log_prob;
    others[text] = choice.log_prob;  // "up to logprobs + 1", the reference says
    top.push_back(std::move(others));
    offsets.push_back(offset);
    offset += text.size();
  }
  return {{"tokens", tokens},
          {"token_logprobs", log_probs},
          {"top_logprobs", top},
          {"text_offset", offsets}};
}

json reason_of(const std::optional<Finish>& finish) {
  if (!finish) return nullptr;
  return *finish == Finish::kLength ? "length" : "stop";
}

}  // namespace

tl::expected<CompletionRequest, RequestError> read_completion_request(std::string_view body,
                                                                      const std::string& model) {
  try {
    const json request = object_of(body);
    refuse_unsupported(request);
    check_model(request, model);
    CompletionRequest out;
    out.prompt = prompt_of(request);
    out.suffix = text_of(request, "suffix");
    out.max_tokens = whole(request, "max_tokens", 1, kMaxTokens, out.max_tokens);
    out.temperature = real(request, "temperature", 0, 2, out.temperature);
    out.top_p = real(request, "top_p", 0.001, 1, out.top_p);
    out.count = static_cast<std::size_t>(whole(request, "n", 1, kMaxCount, 1));
    refuse_best_of(request, out.count);
    out.seed = static_cast<std::uint64_t>(whole(request, "seed", INT64_MIN, INT64_MAX, 0));
    out.stop = stops_of(request);
    if (given(request, "logprobs") != nullptr)
      out.logprobs = static_cast<std::size_t>(whole(request, "logprobs", 0, kMaxAlternatives, 0));
    out.stream = flag_of(request, "stream", false);
    out.usage_in_stream = usage_in_stream(request, out.stream);
    return out;
  } catch (const Refusal& refusal) {
    return tl::unexpected(refusal.error);
  }
}

json completion_choice(std::size_t index, const CompletionPiece& piece,
                       const CompletionRequest& request, const Tokenizer& tokenizer,
                       std::size_t& offset) {
  return {{"index", index},
          {"text", piece.text},
          {"finish_reason", reason_of(piece.finish)},
          {"logprobs", request.logprobs ? logprobs_of(piece, tokenizer, offset) : json()}};
}

json completion_response(const AnswerHead& head, json choices, const std::optional<Usage>& usage) {
  json out = {{"id", head.id},
              {"object", "text_completion"},
              {"created", head.created},
              {"model", head.model},
              {"choices", std::move(choices)}};
  if (usage)
    out["usage"] = {{"prompt_tokens", usage->prompt_tokens},
                    {"completion_tokens", usage->generated_tokens},
                    {"total_tokens", usage->prompt_tokens + usage->generated_tokens},
                    {"prompt_tokens_details", {{"cached_tokens", usage->reused_tokens}}}};
  return out;
}

}  // namespace strop::trainer
