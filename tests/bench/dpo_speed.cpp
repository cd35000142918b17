// DPO of a LoRA adapter by strop-trainer, by TRL (peers/train_dpo.py), and its matrix products.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bench/dpo_run.h"
#include "bench/gemm_floor.h"
#include "bench/trainer_speeds.h"
#include "trainer/step_order.h"

namespace strop::bench {
namespace {

using nlohmann::json;

// Nats: what differs in the order of additions, or rounds to eight bits, may drift so far.
constexpr double kSameLoss = 1e-3;
constexpr double kSameLossInBfloat16 = 2e-2;

// The order in which strop-trainer takes the pairs.
json order_of(const TrainerSetup& setup) {
  trainer::Recipe recipe;
  recipe.train.seed = static_cast<std::uint64_t>(DpoNumbers().seed);
  recipe.train.batch = setup.training().batch;
  trainer::StepOrder order(static_cast<std::size_t>(setup.training().pair_count), recipe);
  const auto steps = static_cast<std::int64_t>(order.steps_an_epoch());
  json epochs = json::array();
  for (std::int64_t epoch = 0; epoch < setup.training().epochs; ++epoch) {
    std::vector<std::size_t> pairs;
    for (std::int64_t step = 0; step < steps; ++step)
      for (const std::size_t pair : order.pairs_of(epoch * steps + step)) pairs.push_back(pair);
    epochs.push_back(pairs);
  }
  const DpoNumbers numbers;
  return {{"epochs", epochs},       {"batch", setup.training().batch},
          {"seed", numbers.seed},   {"rank", numbers.rank},
          {"alpha", numbers.alpha}, {"learning_rate", numbers.rate},
          {"beta", numbers.beta},   {"clip", numbers.clip}};
}

// Of TRL the imports and the loading of the model do not count: the script has the clock.
Trained train_with_trl(const TrainerSetup& setup, const std::string& precision,
                       const std::string& settings) {
  std::ofstream(setup.file("order.json")) << order_of(setup);
  const TrainerFlags& flags = setup.flags();
  const std::string result = setup.file("trl-" + settings + ".json");
  setup.run_script(
      "train_dpo.py",
      {setup.file("inputs"), "--settings", settings, "--order", setup.file("order.json"), "--out",
       result, "--device", flags.device, "--threads", std::to_string(flags.threads),
       "--micro-batch", std::to_string(flags.micro_batch), "--dtype", precision});
  const json told = json::parse(std::ifstream(result));
  return {.pairs = told.at("pairs").get<double>(),
          .seconds = told.at("seconds").get<double>(),
          .processor_seconds = told.at("processor_seconds").get<double>(),
          .peak_mib = told.at("peak_mib").get<double>(),
          .losses = told.at("losses").get<std::vector<double>>()};
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size())
    throw std::runtime_error("strop-trainer has taken " + std::to_string(a.size()) +
                             " steps and TRL " + std::to_string(b.size()));
  double out = 0;
  for (std::size_t i = 0; i < a.size(); ++i) out = std::max(out, std::abs(a[i] - b[i]));
  return out;
}

std::string at_least(double ratio) {
  std::string text = std::to_string(ratio);
  text.resize(4);
  return ">= " + text + " x";
}

class DpoRows {
 public:
  DpoRows(const TrainerSetup& setup, const std::string& precision, Report& report)
      : report_(report),
        bench_("DPO of a LoRA adapter, " + setup.name() + ", " + precision + ", " +
               setup.flags().device),
        same_loss_(precision == "bfloat16" ? kSameLossInBfloat16 : kSameLoss) {}

  void add_plain(const std::string& name, double value, const std::string& unit) {
    report_.add({bench_, name, value, unit, "", std::nullopt, "", true});
  }
  void add_speed(const Trained& strop, const std::string& against, double other, double goal) {
    const double ratio = strop.pairs_a_second() / other;
    report_.add({bench_, "strop-trainer, by " + against, strop.pairs_a_second(), "pairs/s", against,
                 ratio, at_least(goal), ratio >= goal});
  }
  void add_memory(const Trained& strop, const std::string& against, double other, double goal) {
    const double ratio = strop.peak_mib / other;
    report_.add({bench_, "strop-trainer, memory by " + against, strop.peak_mib, "MiB", against,
                 ratio, "<= 0.5 x", ratio <= goal});
  }
  void add_unmeasured(const std::string& name) {
    report_.add({bench_, name + ": not measured, it has failed", 0, "pairs/s", "", std::nullopt,
                 "measured", false});
  }
  // The share of what the maker promises (MFU).
  void add_useful(double done, double peak, const std::string& shape) {
    const double goal = shape == "qwen2.5-7b" ? 0.45 : shape == "qwen2.5-1.5b" ? 0.38 : 0.25;
    report_.add({bench_, "least work of the steps, by the GPU's peak", done, "TFLOP/s", "peak",
                 done / peak, at_least(goal), done / peak >= goal});
  }
  void add_losses(const std::string& against, double difference) {
    report_.add({bench_, "largest difference of losses to " + against, difference, "nats", "",
                 std::nullopt, same_loss_ == kSameLoss ? "<= 0.001" : "<= 0.02",
                 difference <= same_loss_});
  }
  void add_use(const std::string& name, const Trained& trained) {
    add_plain(name + ", processor time a pair", trained.processor_seconds / trained.pairs, "s");
    add_plain(name + ", last loss", trained.losses.back(), "nats");
  }

 private:
  Report& report_;
  std::string bench_;
  double same_loss_;
};

void measure_in(const std::string& precision, const TrainerSetup& setup, Report& report) {
  const bool half = precision == "bfloat16";
  DpoRows rows(setup, precision, report);
  const TrainerFlags& flags = setup.flags();
  const TrainerSetup::Training& training = setup.training();
  Trained strop = train_with_strop(setup, {.base = training.base,
                                           .pairs = training.pairs,
                                           .precision = precision,
                                           .context = flags.prompt + flags.completion,
                                           .batch = training.batch,
                                           .shard = flags.micro_batch,
                                           .epochs = training.epochs,
                                           .threads = flags.threads});
  // What counts is what TRL's clock has: the pairs are read, the reference is scored, and the steps
  // are made. Loading and writing do not grow with the pairs.
  rows.add_plain("strop-trainer, whole process", strop.seconds, "s");
  strop.seconds = strop.data_seconds + strop.reference_seconds + strop.training_seconds;
  rows.add_use("strop-trainer", strop);
  const auto gemms =
      measure_gemms(training.base, {flags.prompt, flags.completion},
                    {flags.device, flags.threads, half, flags.on_gpu() ? flags.micro_batch : 1});
  // In half precision and on a GPU strop-trainer has no way of its own to a product.
  const bool other_way = !half && !flags.on_gpu();
  for (const Gemm& gemm : gemms) {
    const std::string shape = "product of " + std::to_string(gemm.rows) + " x " +
                              std::to_string(gemm.in) + " x " + std::to_string(gemm.out);
    rows.add_plain(shape, gemm.by_libtorch / 1e9, "GFLOP/s");
    if (other_way) rows.add_plain(shape + ", strop-trainer's", gemm.by_strop / 1e9, "GFLOP/s");
  }
  rows.add_plain("least work, done by strop-trainer",
                 least_flop(gemms, training.epochs) * strop.pairs_a_second() / 1e9, "GFLOP/s");
  const double steps = least_flop(gemms, 0) * strop.pairs / strop.training_seconds / 1e12;
  rows.add_plain("least work of the steps, done by strop-trainer", steps, "TFLOP/s");
  if (flags.peak > 0) rows.add_useful(steps, flags.peak, setup.name());
  const auto add_floor = [&](const char* name, Product product) {
    const double floor = 1 / least_seconds(gemms, training.epochs, product);
    rows.add_plain(name, floor, "pairs/s");
    rows.add_speed(strop, name, floor, half ? 0.55 : 0.7);
  };
  add_floor("matrix products alone", Product::kLibTorch);
  if (other_way) add_floor("the faster products alone", Product::kFaster);
  if (!setup.has_peers()) return;

  struct Other {
    const char* settings;
    const char* name;
    double goal;
  };
  const double by_defaults = setup.name() == "qwen2.5-7b" ? 3 : 4;
  for (const Other& other :
       {Other{"defaults", "TRL's defaults", by_defaults}, {"best", "TRL's best", 2}}) {
    Trained trl;
    try {
      trl = train_with_trl(setup, precision, other.settings);
    } catch (const std::runtime_error& error) {
      if (!flags.on_gpu()) throw;  // where it may need more memory than there is
      std::fprintf(stderr, "%s: not measured: %s\n", other.name, error.what());
      rows.add_unmeasured(other.name);
      continue;
    }
    rows.add_plain(other.name, trl.pairs_a_second(), "pairs/s");
    rows.add_use(other.name, trl);
    rows.add_speed(strop, other.name, trl.pairs_a_second(), other.goal);
    if (!flags.on_gpu()) rows.add_memory(strop, other.name, trl.peak_mib, 0.5);
    rows.add_losses(other.name, largest_difference(strop.losses, trl.losses));
  }
}

}  // namespace

void measure_dpo(const TrainerSetup& setup, Report& report) {
  for (const std::string& precision : setup.precisions()) measure_in(precision, setup, report);
}

}  // namespace strop::bench
