// Where a model is computed: on this machine's processor, or on one of its NVIDIA GPUs.
//
// Free functions; main thread. Everything else follows the device of the model's tensors. Errors:
// std::invalid_argument for a device that is not there, with what is there and what to do.
#pragma once

#include <string>

#include "trainer/model/decoder.h"
#include "trainer/torch.h"

namespace strop::trainer {

inline constexpr const char* kDeviceHelp =
    "cpu, cuda or cuda:N (default: the first GPU if there is one, else cpu)";

// "cpu", "cuda", "cuda:N", or "" for the default.
torch::Device choose_device(const std::string& asked);

// The same with the number of GPUs that LibTorch sees given.
torch::Device choose_device(const std::string& asked, std::size_t gpus);

torch::Device device_of(const Decoder& model);

// Workers of a training run: a GPU is kept busy by one, and each holds activations of its own.
int worker_count(const torch::Device& device, int threads);

}  // namespace strop::trainer
