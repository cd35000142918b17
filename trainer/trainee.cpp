#include "trainer/trainee.h"

#include "trainer/model_folder.h"

namespace strop::trainer {

Trainee::Trainee(Decoder base, const Recipe& recipe, torch::ScalarType type)
    : model_(std::move(base)), recipe_(recipe) {
  model_.recompute(recipe.train.recompute);
  if (recipe.train.full) {
    for (auto& [name, tensor] : model_.tensors()) {
      base_[name] = tensor.clone();
      tensor.set_requires_grad(true);
    }
    model_.compute_in(type);
    return;
  }
  lora_ = {
      .rank = recipe.train.rank,
      .alpha = recipe.train.alpha,
      .dropout = recipe.train.dropout,
      .targets = recipe.train.targets.empty() ? projection_names(model_) : recipe.train.targets};
  add_lora(model_, lora_, recipe.train.seed);
  model_.compute_in(type);
}

void Trainee::average() {
  torch::NoGradGuard no_grad;
  for (Linear* linear : model_.linears())
    if (linear->has_adapter()) linear->b().mul_(recipe_.train.average);
  for (auto& [name, tensor] : model_.tensors())
    if (const auto base = base_.find(name); base != base_.end())
      tensor.copy_(base->second + recipe_.train.average * (tensor - base->second));
}

void Trainee::write() {
  if (!recipe_.train.full) return save_adapter(model_, lora_, recipe_.base, recipe_.out);
  NamedTensors tensors;
  for (auto& [name, tensor] : model_.tensors()) tensors[name] = tensor.detach();
  write_safetensors(recipe_.out + "/model.safetensors", tensors, {{"format", "pt"}});
  write_beside_weights(recipe_.base, recipe_.out, "float32");
}

}  // namespace strop::trainer
