#include "trainer/serve/infill_request.h"

#include <algorithm>
#include <set>

#include "trainer/serve/request_fields.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr double kTemperature = 0.8;  // llama.cpp's defaults
constexpr std::int64_t kTopK = 40;
constexpr double kTopP = 0.95;
constexpr std::int64_t kMostTopK = 1'000'000;
constexpr std::int64_t kMostMs = 86'400'000;
constexpr std::size_t kMaxExtra = 256;

void refuse_unsupported(const json& body) {
  static const std::set<std::string> kKnown{
      "input_prefix", "input_suffix", "input_extra", "prompt", "n_predict", "stop", "temperature",
      "top_k", "top_p", "seed", "stream", "n_probs", "n_cmpl", "cache_prompt", "model",
      "t_max_predict_ms",
      // Passed over: how llama.cpp computes, and what of its answer is wanted.
      "id_slot", "n_keep", "t_max_prompt_ms", "response_fields", "timings_per_token",
      "return_tokens", "post_sampling_probs",
      // Passed over though they would change the text: llama.vim and llama.vscode always send them.
      "samplers", "n_indent"};
  for (const auto& [name, value] : body.items())
    if (!kKnown.contains(name)) throw Refusal{{400, "unknown field '" + name + "'", name, ""}};
}

std::vector<std::pair<std::string, std::string>> extra_of(const json& body) {
  std::vector<std::pair<std::string, std::string>> out;
  const json* list = given(body, "input_extra");
  if (list == nullptr) return out;
  const char* wanted = "a list of at most 256 {\"filename\": text, \"text\": text}";
  if (!list->is_array() || list->size() > kMaxExtra) refuse("input_extra", wanted);
  for (const json& one : *list) {
    if (!one.is_object() || given(one, "text") == nullptr) refuse("input_extra", wanted);
    const std::string name = text_of(one, "filename");
    out.emplace_back(name.empty() ? "tmp" : name, text_of(one, "text"));
  }
  return out;
}

json token_json(TokenId token, double log_prob, const Tokenizer& tokenizer) {
  const std::string_view bytes = tokenizer.bytes_of(token);
  json numbers = json::array();
  for (const char byte : bytes) numbers.push_back(static_cast<unsigned char>(byte));
  return {{"id", token}, {"token", bytes}, {"bytes", numbers}, {"logprob", log_prob}};
}

json probabilities_of(const CompletionPiece& piece, const Tokenizer& tokenizer) {
  json out = json::array();
  for (const TokenChoice& choice : piece.tokens) {
    json one = token_json(choice.token, choice.log_prob, tokenizer);
    one["top_logprobs"] = json::array();
    for (const auto& [token, log_prob] : choice.alternatives)
      one["top_logprobs"].push_back(token_json(token, log_prob, tokenizer));
    out.push_back(std::move(one));
  }
  return out;
}

json ids_of(const CompletionPiece& piece) {
  json out = json::array();
  for (const TokenChoice& choice : piece.tokens) out.push_back(choice.token);
  return out;
}

const char* stop_type(const CompletionPiece& piece) {
  if (piece.finish == Finish::kLength) return "limit";
  if (piece.finish != Finish::kStop) return "none";
  return piece.stop.empty() ? "eos" : "word";
}

}  // namespace

tl::expected<CompletionRequest, RequestError> read_infill_request(std::string_view body,
                                                                  const std::string& model) {
  try {
    const json request = object_of(body);
    refuse_unsupported(request);
    check_model(request, model);
    for (const char* field : {"input_prefix", "input_suffix"})
      if (given(request, field) == nullptr) refuse(field, "a text");
    CompletionRequest out;
    out.prompt = text_of(request, "input_prefix") + text_of(request, "prompt");
    out.suffix = text_of(request, "input_suffix");
    out.extra = extra_of(request);
    out.max_tokens = whole(request, "n_predict", -1, kMaxTokens, -1);
    out.temperature = real(request, "temperature", 0, 2, kTemperature);
    out.top_k = static_cast<std::size_t>(whole(request, "top_k", 0, kMostTopK, kTopK));
    out.top_p = real(request, "top_p", 0.001, 1, kTopP);
    out.count = static_cast<std::size_t>(whole(request, "n_cmpl", 1, kMaxCount, 1));
    out.seed = static_cast<std::uint64_t>(whole(request, "seed", INT64_MIN, INT64_MAX, 0));
    out.stop = stops_of(request);
    if (const auto wanted = whole(request, "n_probs", 0, kMaxAlternatives, 0); wanted > 0)
      out.logprobs = static_cast<std::size_t>(wanted);
    out.stream = flag_of(request, "stream", false);
    out.most_ms = std::max<std::int64_t>(whole(request, "t_max_predict_ms", -1, kMostMs, 0), 0);
    out.use_prefix_cache = flag_of(request, "cache_prompt", true);
    return out;
  } catch (const Refusal& refusal) {
    return tl::unexpected(refusal.error);
  }
}

json infill_part(std::size_t index, const CompletionPiece& piece, const CompletionRequest& request,
                 const Tokenizer& tokenizer) {
  json out = {
      {"index", index}, {"content", piece.text}, {"tokens", ids_of(piece)}, {"stop", false}};
  if (request.logprobs) out["completion_probabilities"] = probabilities_of(piece, tokenizer);
  return out;
}

json infill_response(std::size_t index, const CompletionPiece& piece,
                     const CompletionRequest& request, const Tokenizer& tokenizer,
                     const std::string& model, const Usage& usage) {
  json out = infill_part(index, piece, request, tokenizer);
  out["stop"] = true;
  out["model"] = model;
  out["stop_type"] = stop_type(piece);
  out["stopping_word"] = piece.stop;
  out["has_new_line"] = piece.text.find('\n') != std::string::npos;
  out["tokens_predicted"] = usage.generated_tokens;
  out["tokens_evaluated"] = usage.prompt_tokens;
  out["tokens_cached"] = usage.reused_tokens;
  out["generation_settings"] = {{"n_predict", request.max_tokens},
                                {"temperature", request.temperature},
                                {"top_k", request.top_k},
                                {"top_p", request.top_p},
                                {"seed", request.seed},
                                {"stop", request.stop},
                                {"n_probs", request.logprobs.value_or(0)}};
  return out;
}

}  // namespace strop::trainer
