#include "agent/provider/silence_filter.h"

#include <sodium.h>

#include <array>
#include <string_view>
#include <utility>

namespace strop::agent {
namespace {

bool is_silent(const Backend& backend, const InlineAsk& ask, const std::string& text,
               std::optional<double> logprob) {
  if (!logprob) return false;
  const schema::Prospect prospect = schema::prospect_of(*logprob, text, ask.prefix, ask.language);
  if (backend.config.silence == Silence::kHead && backend.silence->head)
    return backend.silence->head->probability(prospect) < schema::kBreakEven;
  return schema::silence_score(prospect.logprob, prospect.chars) < backend.silence->threshold;
}

// A prefix is cut at a line, of 8 KiB, and begins further down as the cursor's line grows. The
// whole lines nearest above it are there all the same, until it has grown by the other half of
// that.
constexpr std::size_t kDrawnFrom = 4096;

std::string_view lines_above(std::string_view prefix) {
  const std::string_view above = prefix.substr(0, prefix.rfind('\n') + 1);  // npos + 1 is 0
  if (above.size() <= kDrawnFrom) return above;
  const std::string_view near = above.substr(above.size() - kDrawnFrom);
  return near.substr(near.find('\n') + 1);
}

}  // namespace

bool explores(const InlineAsk& ask, double share) {
  std::string drawn = ask.user + '\0' + ask.uri + '\0';
  drawn += lines_above(ask.prefix);
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(drawn.data()),
                     drawn.size());
  double draw = 0;
  for (std::size_t i = 7; i-- > 0;) draw = (draw + digest.at(i)) / 256;
  return draw < share;
}

Filtered filter_silent(const Backend& backend, const InlineAsk& ask, Completions completions) {
  Filtered out;
  if (!backend.silence || ask.invoked) {
    out.shown = std::move(completions);
    return out;
  }
  out.shown.model = completions.model;
  for (std::size_t i = 0; i < completions.texts.size(); ++i) {
    if (is_silent(backend, ask, completions.texts[i], completions.logprobs[i])) {
      ++out.kept_back;
      continue;
    }
    out.shown.texts.push_back(completions.texts[i]);
    out.shown.logprobs.push_back(completions.logprobs[i]);
    if (i < completions.tokens.size()) out.shown.tokens.push_back(completions.tokens[i]);
  }
  const double share = backend.config.silence_explore;
  if (out.kept_back > 0 && out.shown.texts.empty() && explores(ask, share)) {
    out.shown = std::move(completions);
    out.kept_back = 0;
    if (share < 1) out.propensity = share;
  }
  return out;
}

}  // namespace strop::agent
