// A request for completions, and its answer, as OpenAI's /v1/completions has them.
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
#include <utility>
#include <vector>

#include "trainer/sampling.h"
#include "trainer/serve/request_error.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

inline constexpr std::int64_t kMaxTokens = 4096;
inline constexpr std::int64_t kMaxCount = 16;
inline constexpr std::int64_t kMaxAlternatives = 20;

struct CompletionRequest {
  std::string prompt;
  std::string suffix;
  std::vector<std::pair<std::string, std::string>> extra;  // other files: name and text
  std::int64_t max_tokens = 16;                            // −1: as many as there is room for
  double temperature = 1;
  double top_p = 1;
  std::size_t top_k = 0;  // 0: of all tokens
  std::size_t count = 1;  // `n`
  std::uint64_t seed = 0;
  std::vector<std::string> stop;
  std::optional<std::size_t> logprobs;  // alternatives beside each token
  bool stream = false;
  bool usage_in_stream = false;
  bool use_prefix_cache = true;
  std::int64_t most_ms = 0;  // of a completion with a line's end, from its first token; 0: no bound
};

// `model`: the name that is served; a request for another is refused.
tl::expected<CompletionRequest, RequestError> read_completion_request(std::string_view body,
                                                                      const std::string& model);

struct Usage {
  std::size_t prompt_tokens = 0;
  std::size_t reused_tokens = 0;     // of the prompt, that did not have to be computed
  std::size_t generated_tokens = 0;  // of all completions
};

// What every answer to one request says.
struct AnswerHead {
  std::string id;
  std::int64_t created = 0;
  std::string model;
};

// A choice: a whole completion, or in a stream a piece of it. `offset`: bytes of the prompt and of
// the tokens before, moved behind the piece's.
nlohmann::json completion_choice(std::size_t index, const CompletionPiece& piece,
                                 const CompletionRequest& request, const Tokenizer& tokenizer,
                                 std::size_t& offset);

nlohmann::json completion_response(const AnswerHead& head, nlohmann::json choices,
                                   const std::optional<Usage>& usage);

}  // namespace strop::trainer
