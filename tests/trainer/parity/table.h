// The parity table: how far we are from a reference implementation, and how far we may be.
//
// Rows are kept for the length of the process and printed at its end, by the number of their point
// (point 7, token ids, and point 9's real kills are tests of their own). Main thread. Goldens are
// the checked-in ones, or those of the folder that STROP_GOLDEN names: golden/parity.py makes fresh
// ones. Errors: exceptions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "trainer/safetensors.h"

namespace strop::trainer {

struct ParityPoint {
  std::string point;    // "8 adapter round trip"
  std::string what;     // "logits, qwen3"
  std::string against;  // "peft 0.21.2"
};

// Adds the row; the running test fails where the figure is over the bound, or no number.
void expect_parity(const ParityPoint& point, double figure, double bound);
// Adds a row that has no figure here, and says why.
void say_unmeasured(const ParityPoint& point, const std::string& why);

// The path of a golden file or folder.
std::string golden(const std::string& name);
nlohmann::json golden_json(const std::string& name);
NamedTensors golden_tensors(const std::string& name);

// "trl 1.16.0" of {"trl": "1.16.0", …}.
std::string version_of(const nlohmann::json& versions, const std::string& name);

}  // namespace strop::trainer
