// A run's state on disk, so that a killed run goes on as if it had not been killed.
//
// Free functions; one thread. A checkpoint is a folder: model.safetensors (what is trained),
// optimizer.safetensors, state.json, and SHA256SUMS of the three as `sha256sum` has it. It is
// written beside the old one and takes its place by rename, so that one whole checkpoint is there
// at any instant. Errors: writing throws std::runtime_error (a full disk) and leaves the old one;
// reading returns a message that says what is wrong and what to do: a bit that differs is an error.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "trainer/safetensors.h"

namespace strop::trainer {

struct Checkpoint {
  NamedTensors model;
  NamedTensors optimizer;
  nlohmann::json state;  // step, and the fingerprint of the recipe
};

void save_checkpoint(const std::string& directory, const Checkpoint& checkpoint);

// Nothing when there is none.
tl::expected<std::optional<Checkpoint>, std::string> load_checkpoint(const std::string& directory);

// Of a run that is done. Killed in the middle there is a whole one still, or none.
void remove_checkpoint(const std::string& directory);

// Where what two runs were made from is not the same, such as "base, recipe.beta".
std::string differences(const nlohmann::json& a, const nlohmann::json& b);

// Writes a small text file by temporary, fsync and rename; nothing is left of one that fails.
// Throws std::runtime_error.
void write_file(const std::string& path, const std::string& text);

}  // namespace strop::trainer
