// strop-trainer: from preference pairs to an adapter. Parses the command line; commands/ does the
// rest.
#include <CLI/CLI.hpp>
#include <iostream>

#include "trainer/command.h"

int main(int argc, char** argv) {
  CLI::App app{"strop-trainer: trains, evaluates and serves a team's completion model"};
  app.require_subcommand(1);
  strop::trainer::Action action;
  strop::trainer::register_bpe(app, action);
  strop::trainer::register_pretrain(app, action);
  strop::trainer::register_sft(app, action);
  strop::trainer::register_dpo(app, action);
  strop::trainer::register_evaluate(app, action);
  strop::trainer::register_serve(app, action);
  strop::trainer::register_export(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    return action();
  } catch (const std::invalid_argument& error) {
    std::cerr << "strop-trainer: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "strop-trainer: " << error.what() << '\n';
    return 1;
  }
}
