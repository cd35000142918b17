// What the parity tests run on: the pairs and the tiny llama that TRL trained on too.
//
// Values; any thread. Errors: exceptions.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "table.h"
#include "trainer/data.h"
#include "trainer/model/adapter.h"

namespace strop::trainer {

inline std::vector<TokenPair> golden_pairs() {
  std::vector<TokenPair> out;
  for (const nlohmann::json& row : golden_json("trajectory/data.json"))
    out.push_back({.prompt = row.at("prompt").get<std::vector<TokenId>>(),
                   .chosen = row.at("chosen").get<std::vector<TokenId>>(),
                   .rejected = row.at("rejected").get<std::vector<TokenId>>()});
  return out;
}

// The tiny llama with an adapter, which alone is trainable.
inline Decoder golden_model(const std::string& adapter) {
  auto model = Decoder::load(golden("llama"));
  if (!model) throw std::runtime_error(model.error());
  const auto loaded = load_adapter(*model, golden(adapter));
  if (!loaded) throw std::runtime_error(loaded.error());
  for (Linear* linear : model->linears()) {
    linear->a().set_requires_grad(true);
    linear->b().set_requires_grad(true);
  }
  return std::move(*model);
}

// All that is trainable, one after another: [parameters].
inline torch::Tensor flat_adapter(Decoder& model) {
  std::vector<torch::Tensor> out;
  for (Linear* linear : model.linears())
    for (const torch::Tensor& side : {linear->a(), linear->b()})
      out.push_back(side.detach().flatten());
  return torch::cat(out);
}

}  // namespace strop::trainer
