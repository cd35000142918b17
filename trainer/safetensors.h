// safetensors files: read into tensors of their own, written whole.
//
// Values; one thread. Layout: u64 little-endian header length, JSON header, raw data. Errors: a
// message that names the file, what is wrong with it and what to do; NaN and infinity among the
// numbers are wrong too. Hostile files are never read out of bounds, nor make tensors larger than
// they are.
#pragma once

#include <map>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "trainer/torch.h"

namespace strop::trainer {

using NamedTensors = std::map<std::string, torch::Tensor>;

// All tensors of one file, or of the files that DIR/model.safetensors.index.json lists, in their
// own dtype.
tl::expected<NamedTensors, std::string> read_safetensors(const std::string& path);
tl::expected<NamedTensors, std::string> read_model_tensors(const std::string& directory);

// Writes to PATH.tmp, flushes it to the disk, then renames: a reader sees the old file or the new
// one, and nothing is left of one that fails. Throws std::runtime_error (a full disk).
void write_safetensors(const std::string& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace strop::trainer
