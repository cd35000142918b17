// The commands of strop-collector: one file each, which registers itself with one function.
//
// main.cpp calls every register_… once, parses, and then runs what `chosen` holds. A command's
// function returns the exit code; it may throw UsageError (exit 2: wrong usage or configuration) or
// any other exception (exit 1); the message is for a person and says what to do. The main thread's.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "collector/usage.h"

namespace strop::collector {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

struct Commands {
  CLI::App& app;                // options hang here, as subcommands
  std::function<int()> chosen;  // set by the callback of the subcommand on the command line
};

void register_serve(Commands& commands);
void register_keys(Commands& commands);
void register_enrol(Commands& commands);
void register_ledger(Commands& commands);
void register_deadletter(Commands& commands);
void register_backup(Commands& commands);
void register_restore(Commands& commands);
void register_forget(Commands& commands);
void register_readmit(Commands& commands);
void register_check(Commands& commands);
void register_pairs(Commands& commands);
void register_export(Commands& commands);
void register_calibrate(Commands& commands);

}  // namespace strop::collector
