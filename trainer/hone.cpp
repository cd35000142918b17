#include "trainer/hone.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "trainer/checkpoint.h"
#include "trainer/data.h"
#include "trainer/digest.h"
#include "trainer/loop.h"
#include "trainer/model/adapter.h"
#include "trainer/model/decoder.h"
#include "trainer/model_folder.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;

Tokenizer load_tokenizer(const Recipe& recipe) {
  auto tokenizer = Tokenizer::load(recipe.base);
  if (!tokenizer) throw std::runtime_error(tokenizer.error());
  return std::move(*tokenizer);
}

Decoder load_base(const Recipe& recipe, const Tokenizer& tokenizer) {
  auto model = Decoder::load(recipe.base);
  if (!model) throw std::runtime_error(model.error());
  const ModelConfig& config = model->config();
  if (static_cast<std::int64_t>(tokenizer.vocab_size()) > config.vocab)
    throw std::runtime_error(recipe.base + ": tokenizer.json has " +
                             std::to_string(tokenizer.vocab_size()) + " tokens, the model " +
                             std::to_string(config.vocab) + ": they do not belong together");
  if (recipe.context > config.max_positions)
    throw std::invalid_argument("[data] context of " + std::to_string(recipe.context) +
                                " tokens is longer than the base's " +
                                std::to_string(config.max_positions) + " positions");
  return std::move(*model);
}

// A suffix needs the template's special tokens.
void check_template(const Recipe& recipe, const Tokenizer& tokenizer) {
  auto wanted = schema::fim_prompt(recipe.family, "before", "behind");
  wanted.push_back({std::string(schema::fim_end_token(recipe.family)), true});
  for (const schema::PromptPiece& piece : wanted)
    if (piece.special && !tokenizer.special_id(piece.text))
      throw std::invalid_argument("the tokenizer of " + recipe.base + " lacks the special token " +
                                  piece.text + " of [data] fim = \"" + recipe.family_name +
                                  "\": name the family whose prompts this base was made with");
}

TokenPairs load_pairs(const Recipe& recipe, const Tokenizer& tokenizer) {
  const auto pairs = read_pairs(recipe.pairs);
  if (!pairs) throw std::runtime_error(pairs.error());
  TokenPairs out =
      tokenize_pairs(tokenizer, *pairs, {.family = recipe.family, .context = recipe.context});
  if (out.pairs.empty())
    throw std::runtime_error(
        "nothing to train on: " + recipe.pairs + " holds " + std::to_string(pairs->size()) +
        " pairs, of which " + std::to_string(out.heldout) + " are held out, " +
        std::to_string(out.too_long) + " too long for [data] context, " +
        std::to_string(out.alike) + " without a difference, " + std::to_string(out.weightless) +
        " of weight 0. No adapter was written; collect more pairs, or export others.");
  return out;
}

// What the preference term is to compare, and whether it can.
void prepare_comparison(const Recipe& recipe, std::vector<TokenPair>& pairs) {
  if (recipe.method != Method::kDpo) return;
  for (TokenPair& pair : pairs) {
    choose_compared(pair, recipe.objective.compared);
    if (recipe.objective.term == PreferenceTerm::kRobust && pair.epsilon >= 0.5)
      throw std::invalid_argument(
          recipe.pairs + " holds a pair whose epsilon is " + std::to_string(pair.epsilon) +
          "; [objective] term = \"robust\" needs less than 0.5: take \"sigmoid\", or leave it out");
  }
}

std::string digest_of(const Decoder& model) {
  Digest digest;
  for (const auto& [name, tensor] : model.tensors()) {
    digest.add(name);
    const torch::Tensor whole = tensor.contiguous();
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

class Trainee {
 public:
  Trainee(Decoder model, const Recipe& recipe) : model_(std::move(model)), recipe_(recipe) {
    if (recipe.train.full) {
      for (auto& [name, tensor] : model_.tensors()) {
        base_[name] = tensor.clone();
        tensor.set_requires_grad(true);
      }
      return;
    }
    lora_ = {
        .rank = recipe.train.rank, .alpha = recipe.train.alpha, .targets = recipe.train.targets};
    add_lora(model_, lora_, recipe.train.seed);
  }

  Decoder& model() { return model_; }

  // Keeps the recipe's share of what was learnt.
  void average() {
    torch::NoGradGuard no_grad;
    for (Linear* linear : model_.linears())
      if (linear->has_adapter()) linear->b().mul_(recipe_.train.average);
    for (auto& [name, tensor] : model_.tensors())
      if (const auto base = base_.find(name); base != base_.end())
        tensor.copy_(base->second + recipe_.train.average * (tensor - base->second));
  }

  void write() {
    if (!recipe_.train.full) return save_adapter(model_, lora_, recipe_.base, recipe_.out);
    NamedTensors tensors;
    for (auto& [name, tensor] : model_.tensors()) tensors[name] = tensor.detach();
    write_safetensors(recipe_.out + "/model.safetensors", tensors, {{"format", "pt"}});
    write_beside_weights(recipe_.base, recipe_.out, "float32");
  }

 private:
  Decoder model_;
  const Recipe& recipe_;
  LoraConfig lora_;
  NamedTensors base_;  // of a full fine-tune
};

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
  if (!fs::is_directory(recipe.base))
    throw std::invalid_argument("there is no model folder " + recipe.base +
                                ": --base wants one with config.json, model.safetensors and "
                                "tokenizer.json");
  const Tokenizer tokenizer = load_tokenizer(recipe);
  check_template(recipe, tokenizer);
  Decoder base = load_base(recipe, tokenizer);
  TokenPairs data = load_pairs(recipe, tokenizer);
  prepare_comparison(recipe, data.pairs);
  LoopOptions options{.threads = threads, .folder = recipe.out};
  options.fingerprint = {{"base", digest_of(base)},
                         {"pairs", digest_of(data.pairs)},
                         {"recipe", recipe_to_json(recipe)}};
  fs::create_directories(recipe.out);
  Trainee trainee(std::move(base), recipe);
  const LoopResult result = train_pairs(trainee.model(), data.pairs, recipe, options);
  trainee.average();
  trainee.write();
  nlohmann::json summary = summarize(recipe, data, result);
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
