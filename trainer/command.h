// The subcommands of strop-trainer: each file in commands/ registers its own.
//
// A registered command sets its options' defaults, and its callback returns the exit code: 0 done,
// 1 failed, 2 wrong usage or recipe, 3 gate refused. Thread: main. Errors: std::invalid_argument
// becomes 2, any other exception 1, both with the message on stderr.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strop::trainer {

// What the chosen subcommand will do, once the command line is parsed.
using Action = std::function<int()>;

void register_bpe(CLI::App& app, Action& action);
void register_pretrain(CLI::App& app, Action& action);
void register_sft(CLI::App& app, Action& action);
void register_dpo(CLI::App& app, Action& action);
void register_kto(CLI::App& app, Action& action);
void register_plan(CLI::App& app, Action& action);
void register_evaluate(CLI::App& app, Action& action);
void register_serve(CLI::App& app, Action& action);
void register_export(CLI::App& app, Action& action);

}  // namespace strop::trainer
