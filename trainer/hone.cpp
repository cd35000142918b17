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
#include "trainer/model/packed_attention.h"
#include "trainer/model_card.h"
#include "trainer/precision.h"
#include "trainer/progress.h"
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
    add(std::vector<double>{pair.epsilon, pair.weight, pair.wanted ? 1.0 : 0.0});
  }
  return digest.hex();
}

nlohmann::json first_and_last(double first, double last) {
  return {{"first", first}, {"last", last}};
}

std::size_t wanted_count(const std::vector<TokenPair>& examples) {
  return static_cast<std::size_t>(std::count_if(examples.begin(), examples.end(),
                                                [](const TokenPair& pair) { return pair.wanted; }));
}

nlohmann::json heldout_summary(const Recipe& recipe, const TokenPairs& data,
                               const LoopResult& result) {
  nlohmann::json out{{"pairs", data.heldout_pairs.size()}, {"stopped_early", result.gave_up}};
  for (const auto& [step, measures] : result.heldout) {
    nlohmann::json one = measures_to_json(measures);
    one["step"] = step;
    if (step == result.best_step) out["best"] = one;
    out["last"] = std::move(one);
  }
  if (!recipe.evaluate.best.empty()) out["by"] = recipe.evaluate.best;
  return out;
}

// What is learnt from, and what is not and why.
void say_data(const Recipe& recipe, const TokenPairs& data) {
  const bool kto = recipe.method == Method::kKto;
  std::fprintf(stderr, "%s: %zu %s to learn from; of the others %s; %zu were cut to fit\n",
               method_name(recipe.method), data.pairs.size(), kto ? "examples" : "pairs",
               left_out_text(data).c_str(), data.cut);
  if (!kto) return;
  // KTO's own advice, eq. 8 of its paper: wanted to unwanted, by weight, 1 to 4/3.
  const auto wanted = static_cast<double>(wanted_count(data.pairs));
  const double unwanted = static_cast<double>(data.pairs.size()) - wanted;
  const double ratio =
      recipe.objective.desirable * wanted / (recipe.objective.undesirable * unwanted);
  if (ratio >= 1 && ratio <= 4.0 / 3) return;
  std::fprintf(stderr, "kto: %.0f examples were wanted and %.0f not", wanted, unwanted);
  if (wanted > 0 && unwanted > 0)
    std::fprintf(stderr, "; [objective] desirable = %.3g evens them out",
                 recipe.objective.undesirable * unwanted / wanted);
  std::fprintf(stderr, "\n");
}

// What a reference's scores are kept by: the weights, and what they are computed in.
std::string reference_name(const nlohmann::json& fingerprint) {
  return fingerprint.at("base").get<std::string>() + " " +
         fingerprint.at("precision").get<std::string>();
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
                     {"cut", data.cut},
                     {"steps", result.history.steps()},
                     {"seconds", result.seconds},
                     {"reference_seconds", result.reference_seconds},
                     {"loss", first_and_last(first.loss, last.loss)},
                     {"likelihood_loss", first_and_last(first.likelihood, last.likelihood)},
                     {"recipe", recipe_to_json(recipe)}};
  if (recipe.method == Method::kDpo)
    out["uncompared"] = std::count_if(data.pairs.begin(), data.pairs.end(),
                                      [](const TokenPair& pair) { return !pair.compares; });
  if (recipe.method == Method::kKto)
    out["labels"] = {{"wanted", wanted_count(data.pairs)},
                     {"unwanted", data.pairs.size() - wanted_count(data.pairs)}};
  if (!result.heldout.empty()) out["heldout"] = heldout_summary(recipe, data, result);
  if (recipe.objective.prompt > 0) out["prompt_loss"] = first_and_last(first.prompt, last.prompt);
  // The method's own loss: of dpo and kto the preference term; the sigmoid begins at ln 2.
  const bool prefers = recipe.method != Method::kSft;
  out["first_loss"] = prefers ? first.preference : first.likelihood;
  out["last_loss"] = prefers ? last.preference : last.likelihood;
  if (prefers) {
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
  const double data_began = steady_seconds();
  const TokenPairs data = load_pairs(recipe, tokenizer);
  const double data_seconds = steady_seconds() - data_began;
  say_data(recipe, data);
  const torch::ScalarType type = compute_type(recipe.train.precision, base.config(), device);
  LoopOptions options{.threads = worker_count(device, threads), .folder = recipe.out};
  options.fingerprint = {{"base", digest_of(base)},
                         {"pairs", digest_of(data.pairs)},
                         {"recipe", recipe_to_json(recipe)},
                         {"precision", type_name(type)}};
  if (recipe.evaluate.every > 0) {
    options.fingerprint["heldout"] = digest_of(data.heldout_pairs);
    options.heldout = &data.heldout_pairs;
  }
  fs::create_directories(recipe.out);
  std::optional<ReferenceCache> cache;
  if (!recipe.reference_cache.empty())
    options.cache = &cache.emplace(recipe.reference_cache, reference_name(options.fingerprint));
  base.move_to(device);
  Trainee trainee(std::move(base), recipe, type);
  const LoopResult result = train_pairs(trainee.model(), data.pairs, recipe, options);
  trainee.average();
  trainee.write();
  nlohmann::json summary = summarize(recipe, data, result);
  summary["base"] = recipe.base;
  summary["base_sha256"] = options.fingerprint.at("base");
  summary["data_seconds"] = data_seconds;
  summary["device"] = device.str();
  summary["precision"] = type_name(type);
  summary["attention"] = attends_by_sequences(device, type, trainee.model().config().head_dim)
                             ? "sequences"
                             : "blocks";
  if (cache) summary["reference_cached"] = cache->found();
  write_file(recipe.out + "/summary.json", summary.dump(2) + "\n");
  write_file(recipe.out + "/README.md", model_card(recipe, summary));
  remove_checkpoint(recipe.out + "/checkpoint");
  std::fprintf(stderr, "%s: %zu pairs, %lld steps, %.0f s; loss %.3f to %.3f; written to %s\n",
               method_name(recipe.method), data.pairs.size(),
               static_cast<long long>(result.history.steps()), result.seconds,
               summary["first_loss"].get<double>(), summary["last_loss"].get<double>(),
               recipe.out.c_str());
  return summary;
}

}  // namespace strop::trainer
