// The measurements of strop_bench_trainer.
//
// Functions; one thread. Errors are exceptions: a program that fails, a file that is not there.
#pragma once

#include "bench/rows.h"
#include "bench/trainer_setup.h"

namespace strop::bench {

// DPO of a LoRA adapter: pairs a second, memory and losses of strop-trainer, beside TRL's
// DPOTrainer on the same pairs in the same order, and beside the matrix products alone.
void measure_dpo(const TrainerSetup& setup, Report& report);

}  // namespace strop::bench
