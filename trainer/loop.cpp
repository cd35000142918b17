#include "trainer/loop.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>

#include "trainer/checkpoint.h"
#include "trainer/event_file.h"
#include "trainer/objectives/preference.h"
#include "trainer/optim.h"
#include "trainer/pair_batch.h"
#include "trainer/progress.h"
#include "trainer/shards.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

constexpr double kFallAlarm = -0.05;             // nats a token, mean of the recent steps
constexpr double kRateFloor = 0.05;              // of the peak rate, at the end
constexpr const char* kReference = "reference";  // in a checkpoint

// Every measure by the name it has in metrics.jsonl and in checkpoints.
constexpr std::pair<const char*, double StepMeasures::*> kMeasures[] = {
    {"loss", &StepMeasures::loss},
    {"loss/preference", &StepMeasures::preference},
    {"loss/likelihood", &StepMeasures::likelihood},
    {"loss/prompt", &StepMeasures::prompt},
    {"logps/chosen", &StepMeasures::logp_chosen},
    {"logps/rejected", &StepMeasures::logp_rejected},
    {"rewards/chosen", &StepMeasures::reward_chosen},
    {"rewards/rejected", &StepMeasures::reward_rejected},
    {"rewards/accuracies", &StepMeasures::accuracy},
    {"chosen_gain", &StepMeasures::chosen_gain},
    {"length_ratio", &StepMeasures::length_ratio},
    {"grad_norm", &StepMeasures::grad_norm},
    {"lr", &StepMeasures::learning_rate}};

nlohmann::json measures_to_json(const StepMeasures& step) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, field] : kMeasures) out[name] = step.*field;
  return out;
}

StepMeasures measures_from_json(const nlohmann::json& json) {
  StepMeasures out;
  for (const auto& [name, field] : kMeasures) out.*field = json.at(name).get<double>();
  return out;
}

void add(StepMeasures& sum, const StepMeasures& more) {
  for (const auto& [name, field] : kMeasures) sum.*field += more.*field;
}

struct NamedParameter {
  std::string name;
  Tensor tensor;
};

// All that requires a gradient, by names that are the same in every run.
std::vector<NamedParameter> trainable_by_name(Decoder& model) {
  std::vector<NamedParameter> out;
  const auto take = [&](const std::string& name, const Tensor& tensor) {
    if (tensor.defined() && tensor.requires_grad()) out.push_back({name, tensor});
  };
  for (const auto& [name, tensor] : model.tensors()) take(name, tensor);
  for (Linear* linear : model.linears()) {
    take(linear->name() + ".lora_A", linear->a());
    take(linear->name() + ".lora_B", linear->b());
  }
  return out;
}

std::vector<Tensor> tensors_of(const std::vector<NamedParameter>& parameters) {
  std::vector<Tensor> out;
  for (const NamedParameter& parameter : parameters) out.push_back(parameter.tensor);
  return out;
}

Tensor column(const std::vector<double>& values, const torch::Device& device) {
  return torch::tensor(values, torch::kFloat32).to(device);
}

// Pairs of one step that are computed together.
using Shard = std::vector<std::size_t>;

class Loop {
 public:
  Loop(Decoder& model, const std::vector<TokenPair>& pairs, const Recipe& recipe,
       const LoopOptions& options)
      : model_(model),
        pairs_(pairs),
        recipe_(recipe),
        options_(options),
        preference_(recipe.method == Method::kDpo),
        sides_(preference_ ? Sides::kBoth : Sides::kChosen),
        parameters_(trainable_by_name(model)),
        optimizer_(tensors_of(parameters_), {.weight_decay = recipe.train.weight_decay}),
        shards_(model, options.threads) {
    const auto batch = static_cast<std::size_t>(recipe.train.batch);
    steps_an_epoch_ = (pairs.size() + batch - 1) / batch;
    steps_ = step_count(pairs.size(), recipe.train);
  }

  LoopResult run() {
    resume();
    if (preference_ && reference_.empty()) score_reference();
    const double began = steady_seconds();
    Progress progress(method_name(recipe_.method), steps_, history_.steps(),
                      in_folder("metrics.jsonl"));
    if (history_.steps() > 0) progress.metric({{"resumed_after_step", history_.steps()}});
    open_events();
    while (history_.steps() < steps_) {
      history_.add(step(history_.steps()));
      report(progress);
      if (history_.steps() % recipe_.train.checkpoint_every == 0 && history_.steps() < steps_)
        save();
    }
    return {history_, chosen_fell_, steady_seconds() - began};
  }

 private:
  std::string in_folder(const char* name) const {
    return options_.folder.empty() ? "" : options_.folder + "/" + name;
  }

  // The pairs of a step follow from the step alone: its epoch's random order, cut into steps of
  // nearly the same size. Within a step pairs of near lengths are computed together.
  std::vector<Shard> shards_of(std::int64_t step) {
    const auto epoch = static_cast<std::size_t>(step) / steps_an_epoch_;
    const auto index = static_cast<std::size_t>(step) % steps_an_epoch_;
    if (order_.empty() || epoch != epoch_) {
      epoch_ = epoch;
      order_.resize(pairs_.size());
      std::iota(order_.begin(), order_.end(), std::size_t{0});
      std::mt19937_64 random(recipe_.train.seed * 7919 + epoch);
      std::shuffle(order_.begin(), order_.end(), random);
    }
    const auto at = [&](std::size_t i) {
      return order_.begin() + static_cast<std::ptrdiff_t>(pairs_.size() * i / steps_an_epoch_);
    };
    std::vector<std::size_t> chosen(at(index), at(index + 1));
    std::stable_sort(chosen.begin(), chosen.end(), [&](std::size_t a, std::size_t b) {
      return pairs_[a].prompt.size() < pairs_[b].prompt.size();
    });
    std::vector<Shard> out;
    const auto size = static_cast<std::size_t>(recipe_.train.shard);
    for (std::size_t i = 0; i < chosen.size(); i += size)
      out.emplace_back(
          chosen.begin() + static_cast<std::ptrdiff_t>(i),
          chosen.begin() + static_cast<std::ptrdiff_t>(std::min(i + size, chosen.size())));
    return out;
  }

  PairBatch batch_of(const Shard& shard) const {
    std::vector<const TokenPair*> pairs;
    for (const std::size_t i : shard) pairs.push_back(&pairs_[i]);
    return make_pair_batch(pairs, sides_);
  }

  // Log-probs of every pair before the first step, in the batches of the first epoch: what is
  // computed in the same shape comes out the same to the last bit, so the first rewards are exactly
  // 0. What is known from an earlier run is not computed.
  void score_reference() {
    reference_.resize(pairs_.size());
    Progress progress("reference", static_cast<std::int64_t>(steps_an_epoch_), 0, "");
    for (std::size_t step = 0; step < steps_an_epoch_; ++step) {
      std::vector<Shard> shards = shards_of(static_cast<std::int64_t>(step));
      for (Shard& shard : shards)
        std::erase_if(shard, [this](std::size_t pair) { return is_known(pair); });
      std::erase_if(shards, [](const Shard& shard) { return shard.empty(); });
      shards_.run(static_cast<int>(shards.size()), [&](Decoder& model, int index) {
        score_reference(model, shards[static_cast<std::size_t>(index)]);
      });
      if (options_.cache != nullptr)
        for (const Shard& shard : shards)
          for (const std::size_t i : shard)
            reference_[i] = options_.cache->add(pairs_[i], reference_[i]);
      progress.step(static_cast<std::int64_t>(step + 1), "log-probs");
    }
    if (options_.cache != nullptr) options_.cache->save();
  }

  bool is_known(std::size_t pair) {
    if (options_.cache == nullptr) return false;
    const auto score = options_.cache->find(pairs_[pair]);
    if (score) reference_[pair] = *score;
    return score.has_value();
  }

  void score_reference(Decoder& model, const Shard& shard) {
    const torch::NoGradGuard no_grad;
    model.use_adapter(false);
    const PairScores scores = score_pairs(model, batch_of(shard), false);
    model.use_adapter(true);
    const Tensor columns =
        torch::stack({scores.log_probs.chosen, scores.log_probs.rejected, scores.chosen_nll})
            .to(torch::kCPU);
    const auto at = columns.accessor<float, 2>();
    for (std::size_t i = 0; i < shard.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      reference_[shard[i]] = {at[0][row], at[1][row], at[2][row]};
    }
  }

  StepMeasures step(std::int64_t step) {
    const std::vector<Shard> shards = shards_of(step);
    std::size_t count = 0;
    for (const Shard& shard : shards) count += shard.size();
    std::vector<StepMeasures> sums(shards.size());
    std::vector<double> weights(shards.size());
    shards_.run(static_cast<int>(shards.size()), [&](Decoder& model, int index) {
      const auto i = static_cast<std::size_t>(index);
      sums[i] = learn(model, shards[i], count);
      for (const std::size_t pair : shards[i]) weights[i] += pairs_[pair].weight;
    });
    StepMeasures out;
    for (const StepMeasures& one : sums) add(out, one);
    finish(out, static_cast<double>(count), std::accumulate(weights.begin(), weights.end(), 0.0));
    if (!std::isfinite(out.loss))
      throw std::runtime_error("the loss is no longer a number at step " +
                               std::to_string(step + 1) + ": lower [train] learning_rate");
    const auto warmup =
        static_cast<std::int64_t>(recipe_.train.warmup * static_cast<double>(steps_));
    out.grad_norm = optimizer_.clip(recipe_.train.clip);
    out.learning_rate = recipe_.train.learning_rate *
                        schedule_factor(recipe_.train.schedule, step, warmup, steps_, kRateFloor);
    optimizer_.step(out.learning_rate);
    optimizer_.zero_grad();
    return out;
  }

  // Adds the gradients of a shard's part of the step's mean loss; sums over its pairs come back.
  StepMeasures learn(const Decoder& model, const Shard& shard, std::size_t count) const {
    const ObjectiveRecipe& objective = recipe_.objective;
    const PairBatch batch = batch_of(shard);
    const PairScores scores = score_pairs(model, batch, objective.prompt > 0);
    std::vector<double> weights;
    std::vector<double> epsilons;
    std::vector<double> compares;
    StepMeasures sums;
    for (const std::size_t i : shard) {
      const TokenPair& pair = pairs_[i];
      weights.push_back(pair.weight);
      epsilons.push_back(pair.epsilon);
      compares.push_back(pair.compares ? 1 : 0);
      if (preference_)
        sums.length_ratio +=
            static_cast<double>(pair.chosen.size()) / static_cast<double>(pair.rejected.size());
    }
    const torch::Device device = scores.chosen_nll.device();
    const Tensor weight = column(weights, device);
    const auto total = [](const Tensor& values) {
      return values.detach().sum(torch::kFloat64).item<double>();
    };
    Tensor loss = objective.likelihood * scores.chosen_nll;
    sums.likelihood = total(weight * scores.chosen_nll);
    sums.logp_chosen = total(scores.log_probs.chosen);
    if (objective.prompt > 0) {
      loss = loss + objective.prompt * scores.prompt_nll;
      sums.prompt = total(weight * scores.prompt_nll);
    }
    if (preference_) {
      const Reference reference = reference_of(shard, device);
      const PairLogProbs reward = rewards(scores.log_probs, reference.log_probs, objective.beta);
      const Tensor preference =
          column(compares, device) *
          preference_loss({objective.term, objective.beta, objective.gamma}, scores.log_probs,
                          reference.log_probs, scores.lengths, column(epsilons, device));
      loss = loss + objective.preference * preference;
      sums.preference = total(weight * preference);
      sums.logp_rejected = total(scores.log_probs.rejected);
      sums.reward_chosen = total(reward.chosen);
      sums.reward_rejected = total(reward.rejected);
      sums.accuracy = total((reward.chosen > reward.rejected).to(torch::kFloat32));
      sums.chosen_gain = total(reference.chosen_nll - scores.chosen_nll);
    }
    loss = (weight * loss).sum();
    sums.loss = loss.item<double>();
    (loss / static_cast<double>(count)).backward();
    return sums;
  }

  // As score_pairs has it of the policy.
  struct Reference {
    PairLogProbs log_probs;
    Tensor chosen_nll;
  };
  Reference reference_of(const Shard& shard, const torch::Device& device) const {
    const auto column_of = [&](float ReferenceScore::*field) {
      std::vector<float> values;
      for (const std::size_t i : shard) values.push_back(reference_[i].*field);
      return torch::tensor(values).to(device);
    };
    return {{column_of(&ReferenceScore::chosen), column_of(&ReferenceScore::rejected)},
            column_of(&ReferenceScore::chosen_nll)};
  }

  // From sums to means.
  static void finish(StepMeasures& sums, double count, double weight) {
    for (double* by_weight : {&sums.loss, &sums.preference, &sums.likelihood, &sums.prompt})
      *by_weight /= weight;
    for (double* plain :
         {&sums.logp_chosen, &sums.logp_rejected, &sums.reward_chosen, &sums.reward_rejected,
          &sums.accuracy, &sums.chosen_gain, &sums.length_ratio})
      *plain /= count;
  }

  void report(Progress& progress) {
    const StepMeasures recent = history_.recent();
    char note[96];
    if (preference_)
      std::snprintf(note, sizeof note, "loss %.3f  preferred %.0f %%", recent.loss,
                    100 * recent.accuracy);
    else
      std::snprintf(note, sizeof note, "loss %.3f", recent.loss);
    progress.step(history_.steps(), note);
    nlohmann::json line = measures_to_json(history_.last());
    line["step"] = history_.steps();
    line["rewards/margins"] = history_.last().reward_chosen - history_.last().reward_rejected;
    progress.metric(line);
    if (events_) {
      std::vector<std::pair<std::string, double>> scalars;
      for (const auto& [name, value] : line.items())
        if (name != "step") scalars.emplace_back(name, value.get<double>());
      events_->add(history_.steps(), unix_seconds(), scalars);
    }
    if (preference_ && !chosen_fell_ && history_.chosen_falls()) {
      chosen_fell_ = true;
      progress.say(
          "warning: what developers wrote is becoming less likely (" +
          std::to_string(recent.chosen_gain) +
          " nats a token against the base): preference is learnt at the cost of the text. Raise "
          "[objective] likelihood, or lower [train] learning_rate.");
    }
  }

  // Of a run that begins, what another left there is no part.
  void open_events() {
    if (options_.folder.empty()) return;
    const std::string folder = in_folder("tensorboard");
    if (history_.steps() == 0) std::filesystem::remove_all(folder);
    events_.emplace(folder, unix_seconds());
  }

  void save() const {
    if (options_.folder.empty()) return;
    NamedTensors model;
    for (const NamedParameter& parameter : parameters_) model[parameter.name] = parameter.tensor;
    if (preference_) model[kReference] = reference_tensor();
    save_checkpoint(in_folder("checkpoint"), {std::move(model),
                                              optimizer_.state(),
                                              {{"step", history_.steps()},
                                               {"history", history_.to_json()},
                                               {"chosen_fell", chosen_fell_},
                                               {"run", options_.fingerprint}}});
  }

  // [pairs, 3] float32. Part of a checkpoint, since what was cached may be another's by then.
  Tensor reference_tensor() const {
    std::vector<float> values;
    for (const ReferenceScore& score : reference_)
      values.insert(values.end(), {score.chosen, score.rejected, score.chosen_nll});
    return torch::tensor(values).view({-1, 3});
  }

  void take_reference(const Tensor& scores, const std::string& where) {
    if (scores.sizes() != torch::IntArrayRef{static_cast<std::int64_t>(pairs_.size()), 3} ||
        scores.scalar_type() != torch::kFloat32)
      throw std::runtime_error(where + " has another number of '" + kReference +
                               "' than this run has pairs: delete it to start afresh");
    const auto rows = scores.accessor<float, 2>();
    for (std::int64_t i = 0; i < scores.size(0); ++i)
      reference_.push_back({rows[i][0], rows[i][1], rows[i][2]});
  }

  void resume() {
    if (options_.folder.empty()) return;
    auto loaded = load_checkpoint(in_folder("checkpoint"));
    if (!loaded) throw std::runtime_error(loaded.error());
    if (!*loaded) return;
    const Checkpoint& checkpoint = **loaded;
    const std::string where = in_folder("checkpoint");
    if (checkpoint.state.value("run", nlohmann::json()) != options_.fingerprint)
      throw std::runtime_error(
          where +
          " is of another base, other pairs or another recipe: delete it, or choose another --out");
    torch::NoGradGuard no_grad;
    for (NamedParameter& parameter : parameters_) {
      const auto found = checkpoint.model.find(parameter.name);
      if (found == checkpoint.model.end() || found->second.sizes() != parameter.tensor.sizes())
        throw std::runtime_error(where + " lacks '" + parameter.name +
                                 "': delete it to start afresh");
      parameter.tensor.copy_(found->second);
    }
    if (const auto scores = checkpoint.model.find(kReference);
        preference_ && scores != checkpoint.model.end())
      take_reference(scores->second, where);
    try {
      optimizer_.restore(checkpoint.optimizer);
      history_ = History::from_json(checkpoint.state.at("history"));
      chosen_fell_ = checkpoint.state.at("chosen_fell").get<bool>();
      if (history_.steps() > steps_)
        throw std::runtime_error("state.json: more steps than this run has");
    } catch (const std::exception& error) {
      throw std::runtime_error(where + " is damaged (" + error.what() +
                               "): delete it to start afresh");
    }
  }

  Decoder& model_;
  const std::vector<TokenPair>& pairs_;
  const Recipe& recipe_;
  const LoopOptions& options_;
  bool preference_;
  Sides sides_;
  std::vector<NamedParameter> parameters_;
  AdamW optimizer_;
  Shards shards_;
  std::size_t steps_an_epoch_ = 0;
  std::int64_t steps_ = 0;
  std::vector<std::size_t> order_;  // of epoch_
  std::size_t epoch_ = 0;
  std::vector<ReferenceScore> reference_;  // by pair
  std::optional<EventFile> events_;        // if there is a folder
  History history_;
  bool chosen_fell_ = false;
};

}  // namespace

void History::add(const StepMeasures& step) {
  if (steps_ == 0) first_ = step;
  ++steps_;
  if (recent_.size() == kRecent) recent_.erase(recent_.begin());
  recent_.push_back(step);
}

StepMeasures History::recent() const {
  StepMeasures out;
  for (const StepMeasures& step : recent_) trainer::add(out, step);
  for (const auto& [name, field] : kMeasures)
    out.*field /= static_cast<double>(std::max<std::size_t>(1, recent_.size()));
  return out;
}

bool History::chosen_falls() const {
  return recent_.size() == kRecent && recent().chosen_gain < kFallAlarm;
}

nlohmann::json History::to_json() const {
  nlohmann::json recent = nlohmann::json::array();
  for (const StepMeasures& step : recent_) recent.push_back(measures_to_json(step));
  return {{"steps", steps_}, {"first", measures_to_json(first_)}, {"recent", std::move(recent)}};
}

History History::from_json(const nlohmann::json& json) {
  History out;
  out.steps_ = json.at("steps").get<std::int64_t>();
  out.first_ = measures_from_json(json.at("first"));
  for (const nlohmann::json& step : json.at("recent"))
    out.recent_.push_back(measures_from_json(step));
  // A checkpoint is never made before a step, and the last ones are remembered.
  if (out.steps_ < 1 ||
      out.recent_.size() != std::min(static_cast<std::size_t>(out.steps_), kRecent))
    throw std::runtime_error("state.json: " + std::to_string(out.steps_) + " steps, of which " +
                             std::to_string(out.recent_.size()) + " are remembered");
  return out;
}

std::int64_t step_count(std::size_t pairs, const TrainRecipe& recipe) {
  const auto count = static_cast<std::int64_t>(pairs);
  return (count + recipe.batch - 1) / recipe.batch * recipe.epochs;
}

LoopResult train_pairs(Decoder& model, const std::vector<TokenPair>& pairs, const Recipe& recipe,
                       const LoopOptions& options) {
  return Loop(model, pairs, recipe, options).run();
}

}  // namespace strop::trainer
