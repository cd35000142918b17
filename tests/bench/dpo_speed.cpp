// DPO of a LoRA adapter by strop-trainer, by TRL (peers/train_dpo.py), and its matrix products.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bench/gemm_floor.h"
#include "bench/timed_program.h"
#include "bench/trainer_speeds.h"
#include "trainer/step_order.h"

namespace strop::bench {
namespace {

using nlohmann::json;

constexpr int kSeed = 1;
constexpr int kRank = 16;
constexpr int kAlpha = 32;
constexpr double kRate = 2e-4;
constexpr double kBeta = 0.1;
constexpr double kClip = 1;
// Nats: what differs in the order of additions, or rounds to eight bits, may drift so far.
constexpr double kSameLoss = 1e-3;
constexpr double kSameLossInBfloat16 = 2e-2;

struct Trained {
  double pairs = 0;  // times epochs
  double seconds = 0;
  double processor_seconds = 0;
  double peak_mib = 0;
  std::vector<double> losses;  // by step

  double pairs_a_second() const { return pairs / seconds; }
};

// TRL's DPO is the preference term alone; the schedule is constant in both.
std::string recipe_of(const TrainerSetup& setup) {
  std::string out;
  const auto line = [&](const std::string& text) { out += text + "\n"; };
  line("[data]");
  line("base = \"" + setup.training().base + "\"");
  line("pairs = \"" + setup.training().pairs + "\"");
  line("out = \"out\"");
  line("fim = \"qwen\"");
  line("context = " + std::to_string(setup.flags().prompt + setup.flags().completion));
  line("[objective]");
  line("beta = " + std::to_string(kBeta));
  line("preference = 1\nlikelihood = 0\nprompt = 0");
  line("[adapter]");
  line("rank = " + std::to_string(kRank) + "\nalpha = " + std::to_string(kAlpha));
  line("[train]");
  line("learning_rate = " + std::to_string(kRate));
  line("schedule = \"constant\"\nwarmup = 0\nclip = " + std::to_string(kClip));
  line("batch = " + std::to_string(setup.training().batch) +
       "\nshard = " + std::to_string(setup.flags().micro_batch));
  line("epochs = " + std::to_string(setup.training().epochs));
  line("precision = \"" + setup.flags().precision + "\"");
  line("average = 1\nseed = " + std::to_string(kSeed) + "\ncheckpoint_every = 1000000");
  return out;
}

// The whole process counts, with loading and writing.
Trained train_with_strop(const TrainerSetup& setup) {
  std::ofstream(setup.file("recipe.toml")) << recipe_of(setup);
  const TrainerFlags& flags = setup.flags();
  const ProgramUse use = run_program({flags.trainer, "dpo", setup.file("recipe.toml"), "--threads",
                                      std::to_string(flags.threads), "--device", flags.device},
                                     setup.file("strop.log"));
  const json summary = json::parse(std::ifstream(setup.file("out/summary.json")));
  Trained out{summary.at("pairs").get<double>() * static_cast<double>(setup.training().epochs),
              use.seconds,
              use.processor_seconds,
              use.peak_mib,
              {}};
  std::ifstream metrics(setup.file("out/metrics.jsonl"));
  for (std::string line; std::getline(metrics, line);)
    if (const json step = json::parse(line); step.contains("loss"))
      out.losses.push_back(step.at("loss").get<double>());
  if (out.losses.empty()) throw std::runtime_error("strop-trainer has told of no step");
  return out;
}

// The order in which strop-trainer takes the pairs.
json order_of(const TrainerSetup& setup) {
  trainer::Recipe recipe;
  recipe.train.seed = kSeed;
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
  return {{"epochs", epochs}, {"batch", setup.training().batch}, {"seed", kSeed}, {"rank", kRank},
          {"alpha", kAlpha},  {"learning_rate", kRate},          {"beta", kBeta}, {"clip", kClip}};
}

// Of TRL the imports and the loading of the model do not count: the script has the clock.
Trained train_with_trl(const TrainerSetup& setup, const std::string& settings) {
  std::ofstream(setup.file("order.json")) << order_of(setup);
  const TrainerFlags& flags = setup.flags();
  const std::string result = setup.file("trl-" + settings + ".json");
  setup.run_script(
      "train_dpo.py",
      {setup.file("inputs"), "--settings", settings, "--order", setup.file("order.json"), "--out",
       result, "--device", flags.device, "--threads", std::to_string(flags.threads),
       "--micro-batch", std::to_string(flags.micro_batch), "--dtype", flags.precision});
  const json told = json::parse(std::ifstream(result));
  return {told.at("pairs").get<double>(), told.at("seconds").get<double>(),
          told.at("processor_seconds").get<double>(), told.at("peak_mib").get<double>(),
          told.at("losses").get<std::vector<double>>()};
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

bool is_bfloat16(const TrainerSetup& setup) { return setup.flags().precision == "bfloat16"; }

class DpoRows {
 public:
  DpoRows(const TrainerSetup& setup, Report& report)
      : report_(report),
        bench_("DPO of a LoRA adapter, " + setup.name() + ", " + setup.flags().precision + ", " +
               setup.flags().device),
        same_loss_(is_bfloat16(setup) ? kSameLossInBfloat16 : kSameLoss) {}

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

}  // namespace

void measure_dpo(const TrainerSetup& setup, Report& report) {
  DpoRows rows(setup, report);
  const TrainerFlags& flags = setup.flags();
  const Trained strop = train_with_strop(setup);
  rows.add_use("strop-trainer", strop);
  const auto gemms = measure_gemms(setup.training().base, {flags.prompt, flags.completion},
                                   {flags.device, flags.threads, is_bfloat16(setup)});
  for (const Gemm& gemm : gemms)
    rows.add_plain("product of " + std::to_string(gemm.rows) + " x " + std::to_string(gemm.in) +
                       " x " + std::to_string(gemm.out),
                   gemm.flop_per_second / 1e9, "GFLOP/s");
  rows.add_plain("least work, done by strop-trainer",
                 least_flop(gemms, setup.training().epochs) * strop.pairs_a_second() / 1e9,
                 "GFLOP/s");
  const double floor = 1 / least_seconds(gemms, setup.training().epochs);
  rows.add_plain("matrix products alone", floor, "pairs/s");
  rows.add_speed(strop, "matrix products alone", floor, is_bfloat16(setup) ? 0.55 : 0.7);
  if (!setup.has_peers()) return;

  struct Other {
    const char* settings;
    const char* name;
    double goal;
  };
  const double by_defaults = setup.name() == "qwen2.5-7b" ? 3 : 4;
  for (const Other& other :
       {Other{"defaults", "TRL's defaults", by_defaults}, {"best", "TRL's best", 2}}) {
    const Trained trl = train_with_trl(setup, other.settings);
    rows.add_plain(other.name, trl.pairs_a_second(), "pairs/s");
    rows.add_use(other.name, trl);
    rows.add_speed(strop, other.name, trl.pairs_a_second(), other.goal);
    if (flags.device == "cpu") rows.add_memory(strop, other.name, trl.peak_mib, 0.5);
    rows.add_losses(other.name, largest_difference(strop.losses, trl.losses));
  }
}

}  // namespace strop::bench
