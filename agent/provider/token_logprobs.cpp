#include "agent/provider/token_logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace strop::agent {

TokenLogprobs tokens_within(const TokenLogprobs& tokens, std::size_t begin, std::size_t end,
                            std::size_t size) {
  TokenLogprobs out;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const TokenLogprob& token = tokens[i];
    // The last one, with which the model ended, may be empty and counts as all others do.
    const std::size_t token_end =
        i + 1 < tokens.size() ? tokens[i + 1].begin : std::numeric_limits<std::size_t>::max();
    if (token.begin < begin && token_end <= begin) continue;
    if (token.begin >= end && end < size) break;
    out.push_back({std::max(token.begin, begin) - begin, token.logprob});
  }
  return out;
}

std::optional<double> summed(const TokenLogprobs& tokens) {
  double sum = 0;
  for (const TokenLogprob& token : tokens) {
    if (!token.logprob) return std::nullopt;
    sum += *token.logprob;
  }
  if (tokens.empty() || !std::isfinite(sum)) return std::nullopt;
  return sum;
}

}  // namespace strop::agent
