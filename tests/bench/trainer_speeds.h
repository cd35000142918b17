// The measurements of strop_bench_trainer.
//
// Functions; one thread. What they are compared with runs where the setup has a Python. Errors are
// exceptions: a program that fails, a file that is not there.
#pragma once

#include "bench/rows.h"
#include "bench/trainer_setup.h"

namespace strop::bench {

// DPO of a LoRA adapter: pairs a second, memory and losses of strop-trainer, beside TRL's
// DPOTrainer on the same pairs in the same order, and beside the matrix products alone.
void measure_dpo(const TrainerSetup& setup, Report& report);

// Encoding texts: bytes a second of one thread's processor time, beside Hugging Face's tokenizers.
void measure_tokenizer(const TrainerSetup& setup, Report& report);

// Reading weights that need no conversion, beside read() of the file.
void measure_loading(const TrainerSetup& setup, Report& report);

// Pairs a second against tokens of the prompt, pairs of one prompt, size of the model, threads; of
// models that the Python makes.
void measure_growth(const TrainerSetup& setup, Report& report);

// A completion of strop-trainer serve, streamed over HTTP: time to the first token and tokens a
// second after it, beside llama.cpp on the same weights and tokens.
void measure_serve(const TrainerSetup& setup, Report& report);

}  // namespace strop::bench
