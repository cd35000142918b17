// The model that a run trains: an adapter on its base, or all of its weights.
//
// Owns the model; one thread. Errors: std::invalid_argument for an adapter on a layer that the base
// has not, std::runtime_error for what cannot be written.
#pragma once

#include "trainer/model/adapter.h"
#include "trainer/model/decoder.h"
#include "trainer/recipe.h"

namespace strop::trainer {

class Trainee {
 public:
  // Computes in `type`. The recipe must outlive it.
  Trainee(Decoder base, const Recipe& recipe, torch::ScalarType type);

  Decoder& model() { return model_; }

  // Keeps the recipe's share of what was learnt.
  void average();
  // To the recipe's folder: a PEFT adapter, or a model folder.
  void write();

 private:
  Decoder model_;
  const Recipe& recipe_;
  LoraConfig lora_;
  NamedTensors base_;  // of a full fine-tune
};

}  // namespace strop::trainer
