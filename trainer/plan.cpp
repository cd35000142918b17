#include "trainer/plan.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "trainer/device.h"
#include "trainer/loop.h"
#include "trainer/model/adapter.h"
#include "trainer/precision.h"
#include "trainer/progress.h"
#include "trainer/run_inputs.h"
#include "trainer/trainee.h"

namespace strop::trainer {
namespace {

constexpr double kFloatBytes = 4;
constexpr double kChunkRows = 128;  // of attention and of the head, at once
constexpr std::size_t kSampledSteps = 2;

// What a model is made of, in numbers of weights.
struct Weights {
  double linear = 0;   // of all projections
  double asked = 0;    // of them those in the last layer that only rows that are asked for meet
  double adapter = 0;  // of those that the recipe adds
  double head = 0;
};

Weights weights_of(const Recipe& recipe, const ModelConfig& config) {
  Weights out{.head = static_cast<double>(config.vocab * config.hidden)};
  const std::set<std::string> targets(recipe.train.targets.begin(), recipe.train.targets.end());
  constexpr std::string_view kWeight = ".weight";
  for (const auto& [name, shape] : tensor_shapes(config)) {
    if (shape.size() != 2 || !name.starts_with("model.layers.")) continue;
    const auto count = static_cast<double>(shape[0] * shape[1]);
    const std::string layer = projection_of(name.substr(0, name.size() - kWeight.size()));
    out.linear += count;
    const bool last = name.starts_with("model.layers." + std::to_string(config.layers - 1) + ".");
    if (last && layer != "k_proj" && layer != "v_proj") out.asked += count;
    if (!recipe.train.full && (targets.empty() || targets.contains(layer)))
      out.adapter += static_cast<double>(recipe.train.rank * (shape[0] + shape[1]));
  }
  return out;
}

// Of a pair, in tokens.
struct Size {
  double tokens = 0;       // that go through the layers
  double completions = 0;  // that are predicted, of chosen and rejected
  double prompt = 0;       // likewise, of the prompt

  double rows() const { return completions + prompt; }
};

Size size_of(const Recipe& recipe, const TokenPair& pair) {
  const auto prompt = static_cast<double>(pair.prompt.size());
  const auto chosen = static_cast<double>(pair.chosen.size());
  const double rejected =
      recipe.method != Method::kSft ? static_cast<double>(pair.rejected.size()) : 0;
  return {prompt + chosen - 1 + std::max(rejected - 1, 0.0), chosen + rejected,
          recipe.objective.prompt > 0 ? prompt - 1 : 0};
}

double layers_flop(const Weights& weights, const Size& size) {
  const double asked = std::min(size.tokens, size.rows());
  return 2 * ((weights.linear - weights.asked) * size.tokens + weights.asked * asked);
}

// One product of attention: a token sees what is before it, half of them in the mean.
double attention_flop(const ModelConfig& config, double tokens) {
  const auto width = static_cast<double>(config.layers * config.heads * config.head_dim);
  return 2 * width * tokens * tokens / 2;
}

double forward_flop(const ModelConfig& config, const Weights& weights, const Size& size) {
  return layers_flop(weights, size) + 2 * attention_flop(config, size.tokens) +
         2 * weights.head * size.rows();
}

// Gradients of inputs cost as much as the forward, those of weights as much again. Attention has
// two inputs to each of its products, and computes the first of them once more; a head that is
// trained computes its logits once more; an adapter has both gradients.
double backward_flop(const Recipe& recipe, const ModelConfig& config, const Weights& weights,
                     const Size& size) {
  const double head = 2 * weights.head * size.rows();
  const double again = recipe.train.recompute ? forward_flop(config, weights, size) - head : 0;
  return (recipe.train.full ? 2 : 1) * layers_flop(weights, size) +
         (recipe.train.full ? 3 : 1) * head + 5 * attention_flop(config, size.tokens) +
         4 * weights.adapter * size.tokens + again;
}

// What autograd keeps of a token in a layer: what comes in and what is normed, twice; queries,
// keys, values and what they give; the MLP's inside; what an adapter makes of each.
double kept_in_layer(const Recipe& recipe, const ModelConfig& config) {
  const auto hidden = static_cast<double>(config.hidden);
  const auto queries = static_cast<double>(config.heads * config.head_dim);
  const auto keys = static_cast<double>(config.kv_heads * config.head_dim);
  const double normed = config.qk_norm ? queries + keys : 0;
  const double adapters = recipe.train.full ? 0 : 7 * static_cast<double>(recipe.train.rank);
  return 4 * hidden + 2 * queries + 2 * keys + normed +
         3 * static_cast<double>(config.intermediate) + adapters;
}

// Numbers of a token that are kept in all layers.
double kept_numbers(const Recipe& recipe, const ModelConfig& config) {
  const double layer = kept_in_layer(recipe, config);
  const auto layers = static_cast<double>(config.layers);
  return recipe.train.recompute ? layers * static_cast<double>(config.hidden) + layer
                                : layers * layer;
}

double memory_of(const Recipe& recipe, const ModelConfig& config, const Plan& plan,
                 const Size& largest, int threads, torch::ScalarType type) {
  const auto trained = static_cast<double>(plan.trained);
  // Beside the base stand the adapter, or what a full fine-tune makes of it. What is trained has a
  // gradient and two moments, a gradient in every thread, and a copy where the best is kept.
  const double kept = recipe.evaluate.best.empty() ? 0 : 1;
  const double weights = static_cast<double>(plan.parameters) + trained * (4 + kept + threads);
  const auto number = static_cast<double>(c10::elementSize(type));
  const double shard = number * static_cast<double>(recipe.train.shard) * largest.tokens *
                       kept_numbers(recipe, config);
  // Whichever is larger of a chunk's logits and of its attention.
  const double chunk = kFloatBytes * kChunkRows *
                       std::max(3 * static_cast<double>(config.vocab),
                                3 * static_cast<double>(config.heads) * largest.tokens);
  return kFloatBytes * weights + threads * (shard + chunk);
}

// Of a forward pass over pairs, with the rows that are compared alone.
double scoring_flop(const Recipe& recipe, const ModelConfig& config, const Weights& weights,
                    const std::vector<TokenPair>& pairs) {
  double out = 0;
  for (const TokenPair& pair : pairs) {
    const Size size = size_of(recipe, pair);
    out += forward_flop(config, weights, {size.tokens, size.completions, 0});
  }
  return out;
}

// The held-out pairs are measured every so many steps and after the last one; by the reference
// once.
double heldout_flop(const Recipe& recipe, const ModelConfig& config, const Weights& weights,
                    const std::vector<TokenPair>& heldout, std::int64_t steps) {
  const std::int64_t every = recipe.evaluate.every;
  if (every == 0) return 0;
  const std::int64_t times = steps / every + (steps % every == 0 ? 0 : 1);
  const double reference = recipe.method == Method::kSft ? 0 : 1;
  return (static_cast<double>(times) + reference) * scoring_flop(recipe, config, weights, heldout);
}

}  // namespace

MemoryNow memory_now(const std::string& meminfo) {
  MemoryNow out;
  std::ifstream in(meminfo);
  std::string name;
  double kib = 0;
  for (std::string line; in >> name >> kib; std::getline(in, line))
    if (name == "MemAvailable:") out.available = kib * 1024;
  double all = 0;
  double resident = 0;  // both in pages
  if (std::ifstream("/proc/self/statm") >> all >> resident)
    out.resident = resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
  return out;
}

Plan make_plan(const Recipe& recipe, const ModelConfig& config, const TokenPairs& data, int threads,
               torch::ScalarType type, const MemoryNow& now) {
  const Weights weights = weights_of(recipe, config);
  const std::vector<TokenPair>& pairs = data.pairs;
  Plan out;
  out.parameters = parameter_count(config);
  out.trained = recipe.train.full ? out.parameters : static_cast<std::int64_t>(weights.adapter);
  out.pairs = pairs.size();
  out.steps = step_count(pairs.size(), recipe.train);
  out.available = now.available == 0 ? 0 : now.available + now.resident;
  Size largest;
  double epoch = 0;
  for (const TokenPair& pair : pairs) {
    const Size size = size_of(recipe, pair);
    epoch += forward_flop(config, weights, size) + backward_flop(recipe, config, weights, size) +
             2 * weights.adapter * size.tokens;
    const double scored = forward_flop(config, weights, {size.tokens, size.completions, 0});
    // Kto looks at each step twice: at its drift first.
    if (recipe.method == Method::kKto) epoch += scored;
    out.prompt_tokens += static_cast<double>(pair.prompt.size());
    out.chosen_tokens += static_cast<double>(pair.chosen.size());
    out.rejected_tokens += static_cast<double>(pair.rejected.size());
    if (size.tokens > largest.tokens) largest = size;
  }
  const auto count = static_cast<double>(pairs.size());
  for (double* mean : {&out.prompt_tokens, &out.chosen_tokens, &out.rejected_tokens})
    *mean /= count;
  out.longest = static_cast<std::int64_t>(largest.tokens);
  if (recipe.method != Method::kSft)
    out.reference_flop = scoring_flop(recipe, config, weights, pairs);
  out.heldout_flop = heldout_flop(recipe, config, weights, data.heldout_pairs, out.steps);
  out.flop =
      static_cast<double>(recipe.train.epochs) * epoch + out.reference_flop + out.heldout_flop;
  out.memory = now.resident + memory_of(recipe, config, out, largest, threads, type);
  return out;
}

double measured_seconds(const Recipe& recipe, const std::vector<TokenPair>& pairs, const Plan& plan,
                        int threads, const Tokenizer& tokenizer, torch::Device device) {
  Recipe sample = recipe;
  sample.train.epochs = 1;
  sample.evaluate = {};
  const std::size_t wanted = kSampledSteps * static_cast<std::size_t>(recipe.train.batch);
  const std::size_t count = std::min(wanted, pairs.size());
  std::vector<TokenPair> some;
  for (std::size_t i = 0; i < count; ++i) some.push_back(pairs[i * pairs.size() / count]);
  Decoder base = load_base(recipe, tokenizer);
  const torch::ScalarType type = compute_type(recipe.train.precision, base.config(), device);
  base.move_to(device);
  Trainee trainee(std::move(base), sample, type);
  const LoopResult result = train_pairs(trainee.model(), some, sample, {.threads = threads});
  const double share = static_cast<double>(pairs.size()) / static_cast<double>(count);
  const double trained = share * (result.reference_seconds +
                                  static_cast<double>(recipe.train.epochs) * result.seconds);
  return trained * plan.flop / (plan.flop - plan.heldout_flop);
}

nlohmann::json plan_to_json(const Plan& plan) {
  nlohmann::json out{{"parameters", plan.parameters},
                     {"trained_parameters", plan.trained},
                     {"pairs", plan.pairs},
                     {"tokens",
                      {{"prompt", plan.prompt_tokens},
                       {"chosen", plan.chosen_tokens},
                       {"rejected", plan.rejected_tokens},
                       {"longest", plan.longest}}},
                     {"steps", plan.steps},
                     {"flop", plan.flop},
                     {"reference_flop", plan.reference_flop},
                     {"heldout_flop", plan.heldout_flop},
                     {"memory_bytes", plan.memory},
                     {"available_bytes", plan.available},
                     {"fits", plan.fits()}};
  if (plan.seconds) out["seconds"] = *plan.seconds;
  return out;
}

}  // namespace strop::trainer
