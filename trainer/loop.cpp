#include "trainer/loop.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <functional>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>

#include "trainer/best_weights.h"
#include "trainer/checkpoint.h"
#include "trainer/device.h"
#include "trainer/event_file.h"
#include "trainer/objectives/unpaired.h"
#include "trainer/optim.h"
#include "trainer/pair_batch.h"
#include "trainer/pair_terms.h"
#include "trainer/progress.h"
#include "trainer/shards.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

constexpr double kRateFloor = 0.05;              // of the peak rate, at the end
constexpr const char* kReference = "reference";  // in a checkpoint
constexpr std::size_t kHeldoutShards = 64;       // scored before they are put on disk

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

// Pairs of one step that are computed together.
using Shard = std::vector<std::size_t>;

class Loop {
 public:
  Loop(Decoder& model, const std::vector<TokenPair>& pairs, const Recipe& recipe,
       const LoopOptions& options)
      : model_(model),
        recipe_(recipe),
        options_(options),
        device_(device_of(model)),
        preference_(recipe.method != Method::kSft),
        sides_(preference_ ? Sides::kBoth : Sides::kChosen),
        parameters_(trainable_by_name(model)),
        optimizer_(tensors_of(parameters_), {.weight_decay = recipe.train.weight_decay}),
        shards_(model, options.threads),
        order_(pairs.size(), recipe),
        steps_(step_count(pairs.size(), recipe.train)),
        trained_(pairs.size()),
        best_(recipe.evaluate) {
    for (const TokenPair& pair : pairs) pairs_.push_back(&pair);
    if (recipe.evaluate.every > 0 && options.heldout != nullptr)
      for (const TokenPair& pair : *options.heldout) pairs_.push_back(&pair);
  }

  LoopResult run() {
    resume();
    const double reference_began = steady_seconds();
    if (preference_ && reference_.empty()) score_reference();
    const double began = steady_seconds();
    Progress progress(method_name(recipe_.method), steps_, history_.steps(),
                      in_folder("metrics.jsonl"));
    if (history_.steps() > 0) progress.metric({{"resumed_after_step", history_.steps()}});
    open_events();
    while (history_.steps() < steps_ && !best_.gives_up()) {
      history_.add(step(history_.steps()));
      report(progress);
      if (is_measured(history_.steps())) measure_heldout(progress);
      if (history_.steps() % recipe_.train.checkpoint_every == 0 && history_.steps() < steps_)
        save();
    }
    require_numbers();
    best_.put_back(parameters_);
    return {.history = history_,
            .chosen_fell = chosen_fell_,
            .heldout = heldout_,
            .best_step = best_.step(),
            .gave_up = best_.gives_up(),
            .seconds = steady_seconds() - began,
            .reference_seconds = began - reference_began};
  }

 private:
  std::string in_folder(const char* name) const {
    return options_.folder.empty() ? "" : options_.folder + "/" + name;
  }

  // Within a step pairs of one prompt, and of near lengths, are computed together.
  std::vector<Shard> shards_of(std::int64_t step) { return cut(order_.pairs_of(step)); }

  std::vector<Shard> heldout_shards() const {
    std::vector<std::size_t> pairs(pairs_.size() - trained_);
    std::iota(pairs.begin(), pairs.end(), trained_);
    return cut(std::move(pairs));
  }

  std::vector<Shard> cut(std::vector<std::size_t> pairs) const {
    std::stable_sort(pairs.begin(), pairs.end(), [&](std::size_t a, std::size_t b) {
      const std::vector<TokenId>& first = pairs_[a]->prompt;
      const std::vector<TokenId>& second = pairs_[b]->prompt;
      return first.size() == second.size() ? first < second : first.size() < second.size();
    });
    std::vector<Shard> out;
    const auto size = static_cast<std::size_t>(recipe_.train.shard);
    for (std::size_t i = 0; i < pairs.size(); i += size)
      out.emplace_back(
          pairs.begin() + static_cast<std::ptrdiff_t>(i),
          pairs.begin() + static_cast<std::ptrdiff_t>(std::min(i + size, pairs.size())));
    return out;
  }

  std::vector<const TokenPair*> pairs_of(const Shard& shard) const {
    std::vector<const TokenPair*> out;
    for (const std::size_t i : shard) out.push_back(pairs_[i]);
    return out;
  }

  PairBatch batch_of(const Shard& shard) const {
    return make_pair_batch(pairs_of(shard), sides_, recipe_.objective.prompt > 0);
  }

  // Log-probs of every pair before the first step, in the batches of the first epoch: what is
  // computed in the same shape comes out the same to the last bit, so the first rewards are exactly
  // 0. What is known from an earlier run is not computed.
  void score_reference() {
    reference_.resize(pairs_.size());
    const auto steps = static_cast<std::int64_t>(order_.steps_an_epoch());
    Progress progress("reference", steps, 0, "");
    for (std::int64_t step = 0; step < steps; ++step) {
      score_unknown(shards_of(step));
      progress.step(step + 1, "log-probs");
    }
    const std::vector<Shard> heldout = heldout_shards();
    for (std::size_t i = 0; i < heldout.size(); i += kHeldoutShards)
      score_unknown({heldout.begin() + static_cast<std::ptrdiff_t>(i),
                     heldout.begin() + static_cast<std::ptrdiff_t>(
                                           std::min(heldout.size(), i + kHeldoutShards))});
    if (options_.cache != nullptr) options_.cache->save();
  }

  void score_unknown(std::vector<Shard> shards) {
    for (Shard& shard : shards)
      std::erase_if(shard, [this](std::size_t pair) { return is_known(pair); });
    std::erase_if(shards, [](const Shard& shard) { return shard.empty(); });
    shards_.run(static_cast<int>(shards.size()), [&](Decoder& model, int index) {
      score_reference(model, shards[static_cast<std::size_t>(index)]);
    });
    if (options_.cache == nullptr) return;
    for (const Shard& shard : shards)
      for (const std::size_t i : shard)
        reference_[i] = options_.cache->add(*pairs_[i], reference_[i]);
    options_.cache->keep();
  }

  bool is_known(std::size_t pair) {
    if (options_.cache == nullptr) return false;
    const auto score = options_.cache->find(*pairs_[pair]);
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
    StepMeasures out = measure(shards, [](const Tensor& loss) { loss.backward(); });
    if (!std::isfinite(out.loss)) throw no_number("the loss", step + 1);
    const auto warmup =
        static_cast<std::int64_t>(recipe_.train.warmup * static_cast<double>(steps_));
    out.grad_norm = optimizer_.clip(recipe_.train.clip);
    if (!std::isfinite(out.grad_norm)) throw no_number("the gradient", step + 1);
    out.learning_rate = recipe_.train.learning_rate *
                        schedule_factor(recipe_.train.schedule, step, warmup, steps_, kRateFloor);
    optimizer_.step(out.learning_rate);
    optimizer_.zero_grad();
    return out;
  }

  // The means over some shards; `learn` is given the part that each has of their mean loss.
  StepMeasures measure(const std::vector<Shard>& shards,
                       const std::function<void(const Tensor&)>& learn) {
    StepTotals totals;
    for (const Shard& shard : shards)
      for (const std::size_t i : shard) totals.add(recipe_.method, *pairs_[i]);
    const double z = recipe_.method == Method::kKto ? drift(shards) : 0;
    std::vector<StepMeasures> sums(shards.size());
    shards_.run(static_cast<int>(shards.size()), [&](Decoder& model, int index) {
      const torch::AutoGradMode gradients(learn != nullptr);
      const auto i = static_cast<std::size_t>(index);
      if (recipe_.train.dropout > 0) model.drop_out(learn ? dropout_seed(i) : std::nullopt);
      const PairScores scores =
          score_pairs(model, batch_of(shards[i]), recipe_.objective.prompt > 0);
      const PairTerms terms =
          pair_terms(recipe_, pairs_of(shards[i]), scores, reference_of(shards[i]), totals, z);
      if (learn) learn(terms.loss);
      sums[i] = terms.sums;
    });
    StepMeasures sum;
    for (const StepMeasures& one : sums) add(sum, one);
    StepMeasures out = step_measures(recipe_, sum, totals);
    out.reference_point = z;
    return out;
  }

  // Of a shard of the coming step: a run that goes on draws what it would have drawn.
  std::optional<std::uint64_t> dropout_seed(std::size_t shard) const {
    std::seed_seq sequence{recipe_.train.seed, static_cast<std::uint64_t>(history_.steps()),
                           static_cast<std::uint64_t>(shard)};
    std::array<std::uint32_t, 2> words{};
    sequence.generate(words.begin(), words.end());
    return (static_cast<std::uint64_t>(words[0]) << 32) | words[1];
  }

  static std::runtime_error no_number(const std::string& what, std::int64_t step) {
    return std::runtime_error(what + " is no longer a number at step " + std::to_string(step) +
                              ": lower [train] learning_rate");
  }

  // Neither a checkpoint nor a result is made of anything else.
  void require_numbers() const {
    for (const NamedParameter& parameter : parameters_)
      if (!torch::isfinite(parameter.tensor).all().item<bool>())
        throw no_number(parameter.name, history_.steps());
  }

  // The reference point of kto: it is known before any of the step's gradients can be.
  double drift(const std::vector<Shard>& shards) {
    std::vector<Tensor> policy(shards.size());
    std::vector<Tensor> reference(shards.size());
    shards_.run(static_cast<int>(shards.size()), [&](Decoder& model, int index) {
      const torch::NoGradGuard no_grad;
      const auto i = static_cast<std::size_t>(index);
      model.drop_out(std::nullopt);
      policy[i] = score_pairs(model, batch_of(shards[i]), false).log_probs.rejected;
      reference[i] = reference_of(shards[i]).log_probs.rejected;
    });
    return reference_point(torch::cat(policy), torch::cat(reference));
  }

  bool is_measured(std::int64_t step) const {
    return pairs_.size() > trained_ && (step % recipe_.evaluate.every == 0 || step == steps_);
  }

  void measure_heldout(Progress& progress) {
    const std::int64_t step = history_.steps();
    heldout_.emplace_back(step, measure(heldout_shards(), nullptr));
    const bool better = best_.offer(step, heldout_.back().second, parameters_);
    nlohmann::json line{{"step", step}};
    const nlohmann::json measures = logged(heldout_.back().second);
    for (const auto& [name, value] : measures.items())
      if (name != "lr" && name != "grad_norm") line["heldout/" + name] = value;
    log(progress, line);
    char note[128];
    std::snprintf(note, sizeof note, "held out, after step %lld: loss %.3f%s%s",
                  static_cast<long long>(step), heldout_.back().second.loss,
                  better ? ", the best so far" : "",
                  best_.gives_up() ? "; no better for long: the run ends" : "");
    progress.say(note);
  }

  PairReference reference_of(const Shard& shard) const {
    if (!preference_) return {};
    const auto column_of = [&](float ReferenceScore::*field) {
      std::vector<float> values;
      for (const std::size_t i : shard) values.push_back(reference_[i].*field);
      return torch::tensor(values).to(device_);
    };
    return {{column_of(&ReferenceScore::chosen), column_of(&ReferenceScore::rejected)},
            column_of(&ReferenceScore::chosen_nll)};
  }

  static nlohmann::json logged(const StepMeasures& measures) {
    nlohmann::json out = measures_to_json(measures);
    const double margin = measures.reward_chosen - measures.reward_rejected;
    if (!std::isnan(margin)) out["rewards/margins"] = margin;
    return out;
  }

  // A line of metrics.jsonl, and a point of each of TensorBoard's curves.
  void log(Progress& progress, const nlohmann::json& line) {
    progress.metric(line);
    if (!events_) return;
    std::vector<std::pair<std::string, double>> scalars;
    for (const auto& [name, value] : line.items())
      if (name != "step" && value.is_number()) scalars.emplace_back(name, value.get<double>());
    events_->add(history_.steps(), unix_seconds(), scalars);
  }

  void report(Progress& progress) {
    const StepMeasures recent = history_.recent();
    char note[96];
    if (preference_ && !std::isnan(recent.accuracy))
      std::snprintf(note, sizeof note, "loss %.3f  preferred %.0f %%", recent.loss,
                    100 * recent.accuracy);
    else
      std::snprintf(note, sizeof note, "loss %.3f", recent.loss);
    progress.step(history_.steps(), note);
    nlohmann::json line = logged(history_.last());
    line["step"] = history_.steps();
    log(progress, line);
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
    require_numbers();
    NamedTensors model;
    for (const NamedParameter& parameter : parameters_) model[parameter.name] = parameter.tensor;
    if (preference_) model[kReference] = reference_tensor();
    best_.add_to(model);
    nlohmann::json heldout = nlohmann::json::array();
    for (const auto& [step, measures] : heldout_)
      heldout.push_back({step, measures_to_json(measures)});
    save_checkpoint(in_folder("checkpoint"), {std::move(model),
                                              optimizer_.state(),
                                              {{"step", history_.steps()},
                                               {"history", history_.to_json()},
                                               {"chosen_fell", chosen_fell_},
                                               {"heldout", std::move(heldout)},
                                               {"best", best_.state()},
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
    const auto run = checkpoint.state.value("run", nlohmann::json());
    if (run != options_.fingerprint)
      throw std::runtime_error(
          where + " is of another run (not the same: " + differences(run, options_.fingerprint) +
          "): delete it, or choose another --out");
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
      for (const auto& one : checkpoint.state.at("heldout"))
        heldout_.emplace_back(one.at(0).get<std::int64_t>(), measures_from_json(one.at(1)));
      best_.restore(checkpoint.state.at("best"), checkpoint.model, parameters_);
      if (history_.steps() > steps_)
        throw std::runtime_error("state.json: more steps than this run has");
    } catch (const std::exception& error) {
      throw std::runtime_error(where + " is damaged (" + error.what() +
                               "): delete it to start afresh");
    }
  }

  Decoder& model_;
  std::vector<const TokenPair*> pairs_;  // trained_ to train on, then those that are held out
  const Recipe& recipe_;
  const LoopOptions& options_;
  torch::Device device_;
  bool preference_;
  Sides sides_;
  std::vector<NamedParameter> parameters_;
  AdamW optimizer_;
  Shards shards_;
  StepOrder order_;
  std::int64_t steps_ = 0;
  std::size_t trained_ = 0;
  std::vector<ReferenceScore> reference_;  // by pair
  std::optional<EventFile> events_;        // if there is a folder
  History history_;
  bool chosen_fell_ = false;
  std::vector<std::pair<std::int64_t, StepMeasures>> heldout_;
  BestWeights best_;
};

}  // namespace

LoopResult train_pairs(Decoder& model, const std::vector<TokenPair>& pairs, const Recipe& recipe,
                       const LoopOptions& options) {
  return Loop(model, pairs, recipe, options).run();
}

}  // namespace strop::trainer
