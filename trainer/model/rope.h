// Rotary positions: by which angles a head's coordinates turn from one position to the next.
//
// Values; pure functions; any thread. Angles are radians. Sources: RoPE, Su et al. 2021; linear
// scaling, Chen et al. 2023; YaRN, Peng et al. 2023, section 3; Llama 3's scaling as its reference
// code has it. Errors: std::runtime_error for a config.json whose scaling is unknown or incomplete.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "trainer/torch.h"

namespace strop::trainer {

enum class RopeScaling { kNone, kLinear, kLlama3, kYarn };

struct Rope {
  double theta = 10'000;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1;
  double original_positions = 0;  // that the base was trained with; of kLlama3 and kYarn
  double low = 1;                 // kLlama3: low_freq_factor; kYarn: beta_slow
  double high = 4;                // kLlama3: high_freq_factor; kYarn: beta_fast
  bool whole = true;              // kYarn: the bounds of its ramp are whole coordinates
  double attention = 1;           // kYarn: what cosine and sine are multiplied by

  bool operator==(const Rope&) const = default;
};

// rope_parameters of newer config.json, or rope_theta and rope_scaling of older ones.
Rope rope_from_json(const nlohmann::json& config, std::int64_t max_positions);

// Adds what rope_from_json reads.
void rope_to_json(const Rope& rope, nlohmann::json& config);

// Radians a position, float64 [head_dim / 2].
torch::Tensor rope_frequencies(const Rope& rope, std::int64_t head_dim);

}  // namespace strop::trainer
