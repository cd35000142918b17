// A request to fill a gap, and its answer, as llama.cpp's /infill has them.
//
// Values and pure functions; any thread. Fields that only steer how llama.cpp computes are passed
// over, and so are `samplers` and `n_indent`, since its clients always send them: tokens are drawn
// by top_k, top_p and temperature, and a line may be indented less. What is not known is refused.
// Lengths are tokens. Errors: a RequestError as in completion_request.h.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "trainer/sampling.h"
#include "trainer/serve/completion_request.h"
#include "trainer/serve/request_error.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

// `prompt` is what has been written of the middle, and goes behind the prefix. `n_predict` 0 reads
// the prompt, so that the next request need not.
tl::expected<CompletionRequest, RequestError> read_infill_request(std::string_view body,
                                                                  const std::string& model);

// In a stream, a piece that is not the last.
nlohmann::json infill_part(std::size_t index, const CompletionPiece& piece,
                           const CompletionRequest& request, const Tokenizer& tokenizer);

// A whole completion, or in a stream what comes last. `usage`: of this completion alone.
nlohmann::json infill_response(std::size_t index, const CompletionPiece& piece,
                               const CompletionRequest& request, const Tokenizer& tokenizer,
                               const std::string& model, const Usage& usage);

}  // namespace strop::trainer
