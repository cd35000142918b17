// What the benchmark of the trainer's parts is told, and what it measures.
//
// Plain values; one thread. Speeds are of one thread's processor time, so that what else the
// machine does counts little. Errors: what cannot be measured is std::runtime_error.
#pragma once

#include <string>

#include "bench/rows.h"

namespace strop::bench {

struct TrainerParts {
  std::string tokenizer;  // a tokenizer.json
  std::string corpus;     // a folder of text files
  std::string model;      // a safetensors file
  std::string python;     // with the reference's packages; empty: nothing to compare with
  double scale = 1;
};

double thread_cpu_seconds();

void measure_tokenizer(const TrainerParts& parts, Report& report);
void measure_loading(const TrainerParts& parts, Report& report);

}  // namespace strop::bench
