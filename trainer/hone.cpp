#include "trainer/hone.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "trainer/checkpoint.h"
#include "trainer/data.h"
#include "trainer/device.h"
#include "trainer/digest.h"
#include "trainer/loop.h"
#include "trainer/model/decoder.h"
#include "trainer/reference_cache.h"
#include "trainer/run_inputs.h"
#include "trainer/trainee.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;

std::string digest_of(const Decoder& model) {
  Digest digest;
  digest.add(
      config_to_json(model.config()).dump());  // the same weights turned otherwise are others
  for (const auto& [name, tensor] : model.tensors()) {
    digest.add(name);
    const torch::Tensor whole = tensor.to(torch::kCPU).contiguous();
    digest.add({static_cast<const char*>(whole.data_ptr()), whole.nbytes()});
  }
  return digest.hex();
}

std::string digest_of(const std::vector<TokenPair>& pairs) {
  Digest digest;
  const auto add = [&](const auto& values) {
    digest.add(
        {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(*values.data())});
  };
  for (const TokenPair& pair : pairs) {
    for (const auto* tokens : {&pair.prompt, &pair.chosen, &pair.rejected}) add(*tokens);
    add(std::vector<double>{pair.epsilon, pair.weight});
  }
  return digest.hex();
}

nlohmann::json first_and_last(double first, double last) {
  return {{"first", first}, {"last", last}};
}

nlohmann::json summarize(const Recipe& recipe, const TokenPairs& data, const LoopResult& result) {
  const StepMeasures& first = result.history.first();
  const StepMeasures last = result.history.recent();
  nlohmann::json out{{"pairs", data.pairs.size()},
                     {"pairs_sha256", file_sha256(recipe.pairs)},
                     {"left_out",
                      {{"heldout", data.heldout},
                       {"too_long", data.too_long},
                       {"alike", data.alike},
                       {"weightless", data.weightless}}},
                     {"steps", result.history.steps()},
                     {"seconds", result.seconds},
                     {"loss", first_and_last(first.loss, last.loss)},
                     {"likelihood_loss", first_and_last(first.likelihood, last.likelihood)},
                     {"recipe", recipe_to_json(recipe)}};
  if (recipe.method == Method::kDpo)
    out["uncompared"] = std::count_if(data.pairs.begin(), data.pairs.end(),
                                      [](const TokenPair& pair) { return !pair.compares; });
  if (recipe.objective.prompt > 0) out["prompt_loss"] = first_and_last(first.prompt, last.prompt);
  // The method's own loss: of dpo the preference term; the sigmoid begins at ln 2.
  const bool dpo = recipe.method == Method::kDpo;
  out["first_loss"] = dpo ? first.preference : first.likelihood;
  out["last_loss"] = dpo ? last.preference : last.likelihood;
  if (dpo) {
    out["rewards"] = {{"chosen", first_and_last(first.reward_chosen, last.reward_chosen)},
                      {"rejected", first_and_last(first.reward_rejected, last.reward_rejected)},
                      {"accuracy", first_and_last(first.accuracy, last.accuracy)}};
    out["chosen_gain"] = last.chosen_gain;
    out["alarm"] = {{"chosen_log_probs_fell", result.chosen_fell}};
  }
  return out;
}

}  // namespace

nlohmann::json hone(const Recipe& recipe, int threads) {
  const torch::Device device = choose_device(recipe.train.device);
  const Tokenizer tokenizer = load_tokenizer(recipe);
  Decoder base = load_base(recipe, tokenizer);
  const TokenPairs data = load_pairs(recipe, tokenizer);
  LoopOptions options{.threads = worker_count(device, threads), .folder = recipe.out};
  options.fingerprint = {{"base", digest_of(base)},
                         {"pairs", digest_of(data.pairs)},
                         {"recipe", recipe_to_json(recipe)}};
  fs::create_directories(recipe.out);
  std::optional<ReferenceCache> cache;
  if (!recipe.reference_cache.empty())
    options.cache = &cache.emplace(recipe.reference_cache, options.fingerprint.at("base"));
  move_to(base, device);
  Trainee trainee(std::move(base), recipe);
  const LoopResult result = train_pairs(trainee.model(), data.pairs, recipe, options);
  trainee.average();
  trainee.write();
  nlohmann::json summary = summarize(recipe, data, result);
  summary["device"] = device.str();
  if (cache) summary["reference_cached"] = cache->found();
  write_file(recipe.out + "/summary.json", summary.dump(2) + "\n");
  fs::remove_all(recipe.out + "/checkpoint");
  std::fprintf(stderr, "%s: %zu pairs, %lld steps, %.0f s; loss %.3f to %.3f; written to %s\n",
               method_name(recipe.method), data.pairs.size(),
               static_cast<long long>(result.history.steps()), result.seconds,
               summary["first_loss"].get<double>(), summary["last_loss"].get<double>(),
               recipe.out.c_str());
  return summary;
}

}  // namespace strop::trainer
