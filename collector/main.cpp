// strop-collector: takes in what agents captured, keeps it, and makes preference pairs of it.
#include <iostream>

#include "collector/commands/commands.h"
#include "collector/store/store.h"

namespace {

using strop::collector::Commands;

int parse_and_run(CLI::App& app, Commands& commands, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? strop::collector::kDone : strop::collector::kUsage;
  }
  return commands.chosen();
}

// What was printed and did not arrive was not done: an answer cut short must not pass for one.
int after_output(int code) {
  std::cout.flush();
  if (std::cout || code != strop::collector::kDone) return code;
  std::cerr << "strop-collector: cannot write to stdout; is its disk full, or its reader gone?\n";
  return strop::collector::kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Takes in what agents captured, keeps it, and makes preference pairs of it",
               "strop-collector"};
  app.require_subcommand(1);
  Commands commands{app, {}};
  strop::collector::register_serve(commands);
  strop::collector::register_pairs(commands);
  strop::collector::register_export(commands);
  strop::collector::register_keys(commands);
  strop::collector::register_ledger(commands);
  strop::collector::register_deadletter(commands);
  strop::collector::register_backup(commands);
  strop::collector::register_restore(commands);
  strop::collector::register_forget(commands);
  try {
    return after_output(parse_and_run(app, commands, argc, argv));
  } catch (const strop::collector::UsageError& error) {
    std::cerr << "strop-collector: " << error.what() << '\n';
    return strop::collector::kUsage;
  } catch (const std::exception& error) {
    std::cerr << "strop-collector: " << error.what() << '\n';
    return strop::collector::kFailed;
  }
}
