#include "trainer/data.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "trainer/line_ends.h"
#include "trainer/tokenizer/prompt.h"

namespace strop::trainer {
namespace {

bool blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

std::vector<TokenId> completion(const Tokenizer& tokenizer, const std::string& text, bool ends,
                                schema::FimFamily family) {
  std::vector<TokenId> out = tokenizer.encode(text);
  if (ends) out.push_back(tokenizer.encode_special(schema::fim_end_token(family)));
  return out;
}

void set_mean_weight_to_one(std::vector<TokenPair>& pairs) {
  double sum = 0;
  for (const TokenPair& pair : pairs) sum += pair.weight;
  for (TokenPair& pair : pairs) pair.weight *= static_cast<double>(pairs.size()) / sum;
}

}  // namespace

tl::expected<std::vector<schema::PreferencePair>, std::string> read_pairs(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return tl::unexpected("cannot read " + file +
                          ": strop-collector export --format strop writes such a file");
  std::vector<schema::PreferencePair> out;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (blank(line)) continue;
    const auto fault = [&](const std::string& what) {
      return tl::unexpected(file + ":" + std::to_string(number) + ": " + what +
                            ". Mend or remove that line, or export the pairs anew.");
    };
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) return fault("not a JSON object");
    auto pair = schema::pair_from_json(json);
    if (!pair) return fault(pair.error());
    out.push_back(std::move(*pair));
  }
  if (in.bad()) return tl::unexpected("cannot read " + file + " to its end");
  return out;
}

bool ends_at_suffix(const schema::PreferencePair& pair) {
  const std::string& suffix = pair.suffix;
  return !blank(suffix.substr(0, suffix.find('\n'))) &&
         pair.chosen.find('\n') == std::string::npos &&
         pair.rejected.find('\n') == std::string::npos;
}

TokenPairs tokenize_pairs(const Tokenizer& tokenizer,
                          const std::vector<schema::PreferencePair>& pairs,
                          const DataOptions& options) {
  TokenPairs out;
  const auto context = static_cast<std::size_t>(options.context);
  LineEnds line_ends;
  for (const schema::PreferencePair& pair : pairs)
    if (pair.split != "heldout") line_ends.learn(pair);
  for (const schema::PreferencePair& pair : pairs) {
    if (pair.split == "heldout") {
      ++out.heldout;
      continue;
    }
    if (pair.weight == 0) {
      ++out.weightless;
      continue;
    }
    const bool ends = ends_at_suffix(pair);
    const std::string line_end = !ends && line_ends.known(pair) ? "\n" : "";
    TokenPair one{.chosen = completion(tokenizer, pair.chosen + line_end, ends, options.family),
                  .rejected = completion(tokenizer, pair.rejected, ends, options.family),
                  .epsilon = pair.epsilon,
                  .weight = pair.weight};
    const std::size_t longer = std::max(one.chosen.size(), one.rejected.size());
    if (longer > context / 2) {
      ++out.too_long;
      continue;
    }
    if (pair.chosen.empty() || pair.rejected.empty() || one.chosen == one.rejected) {
      ++out.alike;
      continue;
    }
    one.prompt = fit_prompt(tokenizer, options.family, pair.prefix, pair.suffix, context - longer);
    for (const TokenId token : one.prompt) one.special.push_back(tokenizer.is_special(token));
    out.pairs.push_back(std::move(one));
  }
  set_mean_weight_to_one(out.pairs);
  return out;
}

}  // namespace strop::trainer
