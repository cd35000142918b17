// A request for completions as OpenAI's /v1/completions has it: read, checked, answered.
//
// Values and pure functions; any thread. Only what is known is taken: a field that would be ignored
// silently is refused instead. Lengths are tokens. Errors: a RequestError with the status and a
// message that names the field and what it may be.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "trainer/sampling.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

struct CompletionRequest {
  std::string prompt;
  std::string suffix;
  std::int64_t max_tokens = 16;
  double temperature = 1;
  double top_p = 1;
  std::size_t count = 1;  // `n`
  std::uint64_t seed = 0;
  std::vector<std::string> stop;
  std::optional<std::size_t> logprobs;  // alternatives beside each token
};

struct RequestError {
  int status = 400;
  std::string message;
  std::string field;  // empty: the request as a whole
};

// `model`: the name that is served; a request for another is refused.
tl::expected<CompletionRequest, RequestError> read_completion_request(std::string_view body,
                                                                      const std::string& model);

struct Usage {
  std::size_t prompt_tokens = 0;
  std::size_t reused_tokens = 0;  // of the prompt, that did not have to be computed
};

nlohmann::json completion_response(const std::string& id, std::int64_t created,
                                   const std::string& model,
                                   const std::vector<Completion>& completions,
                                   const CompletionRequest& request, const Tokenizer& tokenizer,
                                   const Usage& usage);

nlohmann::json error_response(const RequestError& error);

// JSON text; bytes that are no UTF-8 (half a character at a completion's end) become U+FFFD.
std::string json_text(const nlohmann::json& value);

}  // namespace strop::trainer
