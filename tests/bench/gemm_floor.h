// How fast a step of preference training could be if it were nothing but its matrix products.
//
// Functions; one thread, LibTorch's own beside it. Units: FLOP (a multiplication and an addition
// are two), seconds. Source of the counts: the least a LoRA step needs is a forward and the
// gradients of inputs through the layers, for prompt, chosen and rejected once each, the head for
// the completions alone, and one forward of the reference, spread over the epochs; attention's
// products are left out. Errors: std::runtime_error for a config.json that cannot be read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strop::bench {

// One matrix of the model, W [out, in], and the rows that meet it at once, of so many pairs.
struct Gemm {
  std::int64_t rows = 0;
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t count = 0;  // matrices of that shape
  std::int64_t pairs = 1;
  // FLOP a second, measured: by LibTorch's linear layer, and by strop-trainer's.
  double by_libtorch = 0;
  double by_strop = 0;

  double flop() const;  // of one product
};

enum class Product {
  kLibTorch,
  kFaster,  // of LibTorch's and strop-trainer's, for each shape
};

struct PairShape {
  std::int64_t prompt = 0;      // tokens
  std::int64_t completion = 0;  // of each side
};

struct GemmMachine {
  std::string device;
  int threads = 0;  // 0: every core
  bool bfloat16 = false;
  std::int64_t pairs = 1;  // at once
};

// The matrices of the model in `folder`, each measured here and now.
std::vector<Gemm> measure_gemms(const std::string& folder, const PairShape& pair,
                                const GemmMachine& machine);

// The least work of a pair, FLOP, in the mean of so many epochs; 0: without the reference.
double least_flop(const std::vector<Gemm>& gemms, std::int64_t epochs);
// Seconds that a pair takes at the least, in the mean of so many epochs.
double least_seconds(const std::vector<Gemm>& gemms, std::int64_t epochs, Product product);

}  // namespace strop::bench
