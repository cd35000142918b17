// Fifty steps of LoRA on a tiny model, against TRL's on the same pairs in the same order, from the
// same adapter. golden/make_trajectory.py makes TRL's.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "../temporary_folder.h"
#include "../tiny_model.h"
#include "golden_run.h"
#include "trainer/loop.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr const char* kPoint = "6 trajectory of 50 steps";

Recipe recipe_of(const std::string& name, const json& options, const json& train) {
  Recipe out;
  out.objective.prompt = 0;
  out.objective.preference = 1;
  out.objective.likelihood = name == "rpo" ? options.at("loss_weights").at(1).get<double>() : 0;
  out.objective.term = term_by_name(name == "rpo" ? "sigmoid" : name).value();
  out.objective.beta = options.at("beta");
  out.objective.gamma = options.value("simpo_gamma", out.objective.gamma);
  out.train.learning_rate = train.at("learning_rate");
  out.train.warmup = 0;
  out.train.clip = train.at("max_grad_norm");
  out.train.weight_decay = train.at("weight_decay");
  out.train.batch = train.at("per_device_train_batch_size");
  out.train.shard = 2;  // half of it: accumulated
  out.train.epochs = train.at("num_train_epochs");
  out.train.shuffle = false;
  return out;
}

std::vector<json> our_steps(const Recipe& recipe, std::vector<TokenPair> pairs, Decoder& model) {
  const TemporaryFolder folder;
  train_pairs(model, pairs, recipe, {.threads = 1, .folder = folder.path(), .fingerprint = {}});
  std::ifstream in(folder / "metrics.jsonl");
  std::vector<json> out;
  for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
  return out;
}

// Largest over the steps.
double difference(const std::vector<json>& ours, const json& theirs, const char* our_name,
                  const char* their_name) {
  double out = 0;
  for (std::size_t i = 0; i < ours.size(); ++i)
    out = std::max(
        out, std::abs(ours[i].at(our_name).get<double>() - theirs[i].at(their_name).get<double>()));
  return out;
}

class Trajectory : public testing::TestWithParam<const char*> {};

TEST_P(Trajectory, IsTrls) {
  const std::string name = GetParam();
  const json file = golden_json("trajectory/trl.json");
  const json& run = file.at("runs").at(name);
  const json& theirs = run.at("steps");
  std::vector<TokenPair> pairs = golden_pairs();
  for (TokenPair& pair : pairs) pair.epsilon = run.at("options").value("label_smoothing", 0.0);
  Decoder model = golden_model("trajectory/initial");
  const auto ours =
      our_steps(recipe_of(name, run.at("options"), file.at("train")), std::move(pairs), model);
  ASSERT_EQ(ours.size(), theirs.size());
  ASSERT_EQ(ours.size(), 50U);
  const std::string trl = version_of(file.at("versions"), "trl");
  const auto off = [&](const char* our_name, const char* their_name) {
    return difference(ours, theirs, our_name, their_name);
  };
  // SimPO has no reference: TRL's rewards are not against one.
  const double rewards = name == "simpo" ? 0
                                         : std::max(off("rewards/chosen", "chosen"),
                                                    off("rewards/rejected", "rejected"));
  expect_parity({kPoint, "loss, " + name, trl}, off("loss", "loss"), 1e-4);
  EXPECT_LE(rewards, 1e-4);
  EXPECT_LE(off("grad_norm", "grad_norm"), 1e-4);
  if (name == "sigmoid") {
    expect_parity({kPoint, "rewards, sigmoid", trl}, rewards, 1e-4);
    expect_parity({kPoint, "norm of the gradients, sigmoid", trl}, off("grad_norm", "grad_norm"),
                  1e-4);
    expect_parity({kPoint, "learning rate, sigmoid", trl}, off("lr", "lr"), 1e-9);
    Decoder end = golden_model("trajectory/final");
    expect_parity({kPoint, "weights of the adapter at the end, sigmoid", trl},
                  largest_difference(flat_adapter(model), flat_adapter(end)), 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Terms, Trajectory,
                         testing::Values("sigmoid", "robust", "hinge", "ipo", "sigmoid_norm",
                                         "apo_zero", "simpo", "rpo"),
                         [](const auto& term) { return std::string(term.param); });

}  // namespace
}  // namespace strop::trainer
