// What a run of `sft`, `dpo` or `kto` is told to do: a TOML file, then the command line's flags.
//
// Values and free functions; any thread. Lengths are tokens, rates a step, shares 0 to 1. Errors:
// std::invalid_argument naming the file, the key and what it may be.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "schema/fim.h"
#include "trainer/compared_tokens.h"
#include "trainer/objectives/preference.h"
#include "trainer/optim.h"
#include "trainer/precision.h"

namespace strop::trainer {

enum class Method { kSft, kDpo, kKto };
const char* method_name(Method method);

// The terms of the loss of a pair, added up by these weights; each is a mean over a text's tokens
// but the preference term, which is one number a pair.
struct ObjectiveRecipe {
  PreferenceTerm term = PreferenceTerm::kSigmoid;
  ComparedTokens compared = ComparedTokens::kAll;
  double beta = 0.1;          // how far from the reference a preference may lead
  double gamma = 0.5;         // margin that SimPO asks for
  double desirable = 1;       // of kto: weight of what was wanted
  double undesirable = 1;     // and of what was not
  double preference = 0.125;  // weight of the preference term; none in sft
  double likelihood = 1;      // of what the developer wrote
  double prompt = 1;          // of the text before it: the language of the repository
};

struct TrainRecipe {
  bool full = false;  // every weight instead of an adapter
  std::int64_t rank = 32;
  double alpha = 64;
  double dropout = 0;                // share of an adapter's inputs that a step leaves out
  std::vector<std::string> targets;  // layers that get an adapter; empty: every projection
  double learning_rate = 2e-3;
  Schedule schedule = Schedule::kCosine;
  double warmup = 0.05;  // share of the steps
  double clip = 1.0;     // joint norm of the gradients; 0 clips nothing
  double weight_decay = 0;
  std::int64_t batch = 16;  // pairs a step
  std::int64_t shard = 4;   // pairs a thread takes at once; part of the result's last bits
  std::int64_t epochs = 2;
  double average = 0.5;  // share of what was learnt that is kept; the rest is the base
  std::uint64_t seed = 1;
  bool shuffle = true;                  // anew every epoch; else the order of the file
  std::int64_t checkpoint_every = 100;  // steps
  std::string device;                   // of device.h; no part of what is computed
  Precision precision = Precision::kAuto;
  bool recompute = false;  // the insides of layers once more for the backward pass: less memory
};

// Measuring the held-out pairs while the run goes on.
struct EvaluateRecipe {
  std::int64_t every = 0;     // steps; 0: never
  std::string best;           // the measure by which the best weights are kept; empty: the last are
  std::int64_t patience = 0;  // measurements without a better one that end the run; 0: it goes on
};

struct Recipe {
  Method method = Method::kDpo;
  std::string base;             // model folder
  std::string pairs;            // JSON lines
  std::string out;              // folder to write
  std::string reference_cache;  // file of the reference's scores between runs; empty: none
  schema::FimFamily family = schema::FimFamily::kStrop;
  std::string family_name = "strop";
  std::int64_t context = 224;  // prompt and completion
  ObjectiveRecipe objective;
  TrainRecipe train;
  EvaluateRecipe evaluate;
};

// Flags of the command line; empty ones leave the file's word.
struct RecipeFlags {
  std::string base;
  std::string pairs;
  std::string out;
  std::string device;
  std::string usual_base;  // of trainer.toml: where neither the flag nor the file names one
  std::string usual_device;
};

// Paths in the file are relative to it, those of flags to the working directory.
Recipe read_recipe(const std::string& file, Method method, const RecipeFlags& flags);

// All that decides what the run computes, for the fingerprint of its checkpoints and its summary.
nlohmann::json recipe_to_json(const Recipe& recipe);

}  // namespace strop::trainer
