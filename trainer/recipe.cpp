#include "trainer/recipe.h"

#include <algorithm>
#include <stdexcept>

#include "trainer/toml_reader.h"

namespace strop::trainer {
namespace {

constexpr std::string_view kDivergence = "divergence";

void check(const Recipe& recipe, const std::string& file) {
  const auto want = [&](bool holds, const std::string& what) {
    if (!holds) throw std::invalid_argument(file + ": " + what);
  };
  const ObjectiveRecipe& objective = recipe.objective;
  const TrainRecipe& train = recipe.train;
  want(!recipe.base.empty(), "name the model to train: [data] base, or --base");
  want(!recipe.pairs.empty(), "name the pairs to train on: [data] pairs, or --pairs");
  want(!recipe.out.empty(), "name the folder to write: [data] out, or --out");
  want(recipe.context >= 16, "[data] context must be at least 16 tokens");
  want(objective.beta > 0, "[objective] beta must be positive");
  want(objective.gamma >= 0, "[objective] gamma must not be negative");
  want(objective.preference >= 0 && objective.likelihood >= 0 && objective.prompt >= 0,
       "[objective] weights must not be negative");
  want(objective.likelihood > 0 || (recipe.method != Method::kSft && objective.preference > 0),
       "[objective] likelihood is 0: there is nothing to learn");
  want(objective.desirable >= 0 && objective.undesirable >= 0,
       "[objective] desirable and undesirable must not be negative");
  want(train.full || train.rank >= 1, "[adapter] rank must be positive");
  want(train.dropout >= 0 && train.dropout < 1, "[adapter] dropout is a share below 1");
  want(train.full || train.alpha > 0, "[adapter] alpha must be positive");
  want(train.learning_rate > 0, "[train] learning_rate must be positive");
  want(train.warmup >= 0 && train.warmup <= 1, "[train] warmup is a share of the steps, 0 to 1");
  want(train.clip >= 0 && train.weight_decay >= 0,
       "[train] clip and weight_decay must not be negative");
  want(train.batch >= 1 && train.shard >= 1 && train.epochs >= 1 && train.checkpoint_every >= 1,
       "[train] batch, shard, epochs and checkpoint_every must be positive");
  want(recipe.method != Method::kKto || train.shuffle,
       "[train] shuffle = false: kto's examples have an order of their own, by which each prompt "
       "meets another's completion; leave it true");
  want(recipe.method != Method::kKto || train.batch >= 2,
       "[train] batch must be at least 2: kto sets a step's prompts against each other's "
       "completions");
  want(train.average > 0 && train.average <= 1,
       "[train] average is the share of what was learnt that is kept, above 0 and at most 1");
}

void read_data(TomlReader& top, const std::string& file, Recipe& out) {
  const toml::table table = top.table("data");
  TomlReader data(table, file + ": [data]");
  data.read("base", out.base);
  data.read("pairs", out.pairs);
  data.read("out", out.out);
  if (out.method != Method::kSft) data.read("reference_cache", out.reference_cache);
  data.read("context", out.context);
  data.read("fim", out.family_name);
  data.finish();
  for (std::string* path : {&out.base, &out.pairs, &out.out, &out.reference_cache})
    *path = path_beside(file, *path);
  const auto family = schema::fim_family(out.family_name);
  if (!family)
    throw std::invalid_argument(file + ": [data] fim '" + out.family_name +
                                "' is unknown (known: strop, qwen, starcoder2, deepseek, "
                                "codellama, codestral)");
  out.family = *family;
}

// "divergence" is a term and the tokens it is about.
void read_term(TomlReader& objective, const std::string& file, ObjectiveRecipe& out) {
  std::string term = "sigmoid";
  std::string compared;
  objective.read("term", term);
  objective.read("compare", compared);
  const auto unknown = [&](const char* key, const std::string& value, const char* known) {
    return std::invalid_argument(file + ": [objective] " + key + " '" + value +
                                 "' is unknown (known: " + known + ")");
  };
  const bool divergence = term == kDivergence;
  if (divergence && !compared.empty() && compared != compared_name(ComparedTokens::kFirst))
    throw std::invalid_argument(file +
                                ": [objective] term = \"divergence\" compares the first tokens "
                                "that differ: remove compare");
  const auto known_term = divergence ? PreferenceTerm::kSigmoid : term_by_name(term);
  if (!known_term)
    throw unknown("term", term,
                  "sigmoid, robust, hinge, ipo, sigmoid_norm, apo_zero, simpo, divergence");
  out.term = *known_term;
  if (out.term == PreferenceTerm::kSimpo) objective.read("gamma", out.gamma);
  if (compared.empty()) compared = divergence ? "first" : "all";
  const auto known_tokens = compared_by_name(compared);
  if (!known_tokens) throw unknown("compare", compared, "all, edited, first");
  out.compared = *known_tokens;
}

void read_objective(TomlReader& top, const std::string& file, Recipe& out) {
  const toml::table table = top.table("objective");
  TomlReader objective(table, file + ": [objective]");
  if (out.method != Method::kSft) {
    objective.read("beta", out.objective.beta);
    objective.read("preference", out.objective.preference);
  }
  if (out.method == Method::kDpo) read_term(objective, file, out.objective);
  if (out.method == Method::kKto) {
    objective.read("desirable", out.objective.desirable);
    objective.read("undesirable", out.objective.undesirable);
  }
  objective.read("likelihood", out.objective.likelihood);
  objective.read("prompt", out.objective.prompt);
  objective.finish();
}

void read_train(TomlReader& top, const std::string& file, TrainRecipe& out) {
  const toml::table adapter_table = top.table("adapter");
  TomlReader adapter(adapter_table, file + ": [adapter]");
  adapter.read("rank", out.rank);
  adapter.read("alpha", out.alpha);
  adapter.read("dropout", out.dropout);
  adapter.read("targets", out.targets);
  adapter.finish();
  if (adapter_table.contains("targets") && out.targets.empty())
    throw std::invalid_argument(file +
                                ": [adapter] targets must name a layer, such as q_proj; without "
                                "targets every projection gets an adapter");

  const toml::table table = top.table("train");
  TomlReader train(table, file + ": [train]");
  std::string schedule = "cosine";
  std::string precision = "auto";
  train.read("full", out.full);
  train.read("learning_rate", out.learning_rate);
  train.read("schedule", schedule);
  train.read("warmup", out.warmup);
  train.read("clip", out.clip);
  train.read("weight_decay", out.weight_decay);
  train.read("batch", out.batch);
  train.read("shard", out.shard);
  train.read("epochs", out.epochs);
  train.read("average", out.average);
  train.read("seed", out.seed);
  train.read("shuffle", out.shuffle);
  train.read("checkpoint_every", out.checkpoint_every);
  train.read("precision", precision);
  train.read("device", out.device);
  train.read("recompute", out.recompute);
  train.finish();
  if (out.full && !adapter_table.empty())
    throw std::invalid_argument(file + ": [train] full = true trains no adapter: remove [adapter]");
  const auto known = schedule_by_name(schedule);
  if (!known)
    throw std::invalid_argument(file + ": [train] schedule '" + schedule +
                                "' is unknown (known: constant, linear, cosine)");
  out.schedule = *known;
  out.precision = precision_of(precision, file + ": [train] precision");
}

void read_evaluate(TomlReader& top, const std::string& file, Recipe& out) {
  const toml::table table = top.table("evaluate");
  TomlReader evaluate(table, file + ": [evaluate]");
  evaluate.read("every", out.evaluate.every);
  evaluate.read("best", out.evaluate.best);
  evaluate.read("patience", out.evaluate.patience);
  evaluate.finish();
  const auto want = [&](bool holds, const std::string& what) {
    if (!holds) throw std::invalid_argument(file + ": [evaluate] " + what);
  };
  want(out.evaluate.every >= 0 && out.evaluate.patience >= 0,
       "every and patience must not be negative");
  want(
      out.evaluate.every > 0 || (out.evaluate.best.empty() && out.evaluate.patience == 0),
      "every says after how many steps the held-out pairs are measured: best and patience need it");
  want(out.evaluate.patience == 0 || !out.evaluate.best.empty(),
       "patience waits for a better measure: name it as best");
  std::vector<std::string> known{"loss", "loss/likelihood"};
  if (out.method != Method::kSft)
    for (const char* name : {"loss/preference", "rewards/accuracies", "rewards/margins"})
      known.emplace_back(name);
  std::string names;
  for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
  want(out.evaluate.best.empty() ||
           std::find(known.begin(), known.end(), out.evaluate.best) != known.end(),
       "best '" + out.evaluate.best + "' is unknown (known: " + names + ")");
}

const char* schedule_name(Schedule schedule) {
  return schedule == Schedule::kConstant ? "constant"
         : schedule == Schedule::kLinear ? "linear"
                                         : "cosine";
}

}  // namespace

const char* method_name(Method method) {
  return method == Method::kSft ? "sft" : method == Method::kDpo ? "dpo" : "kto";
}

Recipe read_recipe(const std::string& file, Method method, const RecipeFlags& flags) {
  const toml::table parsed = read_toml(file);
  Recipe out;
  out.method = method;
  if (method == Method::kSft) out.objective.preference = 0;
  TomlReader top(parsed, file);
  read_data(top, file, out);
  read_objective(top, file, out);
  read_train(top, file, out.train);
  read_evaluate(top, file, out);
  top.finish();
  if (!flags.base.empty()) out.base = flags.base;
  if (out.base.empty()) out.base = flags.usual_base;
  if (!flags.pairs.empty()) out.pairs = flags.pairs;
  if (!flags.out.empty()) out.out = flags.out;
  if (!flags.device.empty()) out.train.device = flags.device;
  if (out.train.device.empty()) out.train.device = flags.usual_device;
  check(out, file);
  return out;
}

nlohmann::json recipe_to_json(const Recipe& recipe) {
  const TrainRecipe& train = recipe.train;
  nlohmann::json out{{"method", method_name(recipe.method)},
                     {"fim", recipe.family_name},
                     {"context", recipe.context},
                     {"likelihood", recipe.objective.likelihood},
                     {"prompt", recipe.objective.prompt},
                     {"full", train.full},
                     {"learning_rate", train.learning_rate},
                     {"schedule", schedule_name(train.schedule)},
                     {"warmup", train.warmup},
                     {"clip", train.clip},
                     {"weight_decay", train.weight_decay},
                     {"batch", train.batch},
                     {"shard", train.shard},
                     {"epochs", train.epochs},
                     {"average", train.average},
                     {"seed", train.seed},
                     {"shuffle", train.shuffle},
                     {"precision", precision_name(train.precision)}};
  if (recipe.method != Method::kSft) {
    out["beta"] = recipe.objective.beta;
    out["preference"] = recipe.objective.preference;
  }
  if (recipe.method == Method::kKto) {
    out["desirable"] = recipe.objective.desirable;
    out["undesirable"] = recipe.objective.undesirable;
  }
  if (recipe.method == Method::kDpo) {
    out["term"] = term_name(recipe.objective.term);
    out["compare"] = compared_name(recipe.objective.compared);
    if (recipe.objective.term == PreferenceTerm::kSimpo) out["gamma"] = recipe.objective.gamma;
  }
  if (!train.full) {
    out["rank"] = train.rank;
    out["alpha"] = train.alpha;
    out["dropout"] = train.dropout;
    out["targets"] = train.targets;
  }
  if (recipe.evaluate.every > 0)
    out["evaluate"] = {{"every", recipe.evaluate.every},
                       {"best", recipe.evaluate.best},
                       {"patience", recipe.evaluate.patience}};
  return out;
}

}  // namespace strop::trainer
