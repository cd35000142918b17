// strop-collector: takes in what agents captured, keeps it, and makes preference pairs of it.
#include <iostream>
#include <string>
#include <vector>

#include "collector/commands/commands.h"
#include "collector/store/store.h"
#include "schema/curve_key.h"

namespace {

using strop::collector::Commands;

// A key that begins with '-' looks like a flag. `keys generate` and `join` make none such any more,
// older ones have.
void explain_keys(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  for (const std::string& argument : arguments)
    if (argument.starts_with('-') && strop::schema::is_curve_key(argument)) {
      std::cerr
          << "A key that begins with '-' goes behind '--': strop-collector keys allow -- NAME '"
          << argument << "'\n";
      return;
    }
}

int parse_and_run(CLI::App& app, Commands& commands, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (app.exit(error) == 0) return strop::collector::kDone;
    explain_keys(argc, argv);
    return strop::collector::kUsage;
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
  app.set_version_flag("--version", "strop-collector " STROP_VERSION);
  app.require_subcommand(1);
  Commands commands{app, {}};
  strop::collector::register_serve(commands);
  strop::collector::register_pairs(commands);
  strop::collector::register_export(commands);
  strop::collector::register_calibrate(commands);
  strop::collector::register_keys(commands);
  strop::collector::register_enrol(commands);
  strop::collector::register_ledger(commands);
  strop::collector::register_deadletter(commands);
  strop::collector::register_backup(commands);
  strop::collector::register_restore(commands);
  strop::collector::register_forget(commands);
  strop::collector::register_readmit(commands);
  strop::collector::register_check(commands);
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
