// strop-trainer: from preference pairs to an adapter. Parses the command line; commands/ does the
// rest.
#include <c10/util/Exception.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <new>

#include "trainer/command.h"

namespace {

int fail(int code, const std::string& what) {
  std::cerr << "strop-trainer: " << what << '\n';
  return code;
}

// What was printed is the result: a reader that did not get it must not be told that all is well.
int finish(int code) {
  if (std::cout.flush() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  return code == 0 ? fail(1, "standard output could not be written; is the disk full?") : code;
}

int run(CLI::App& app, const strop::trainer::Action& action, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return finish(app.exit(error) == 0 ? 0 : 2);
  }
  try {
    return finish(action());
  } catch (const std::invalid_argument& error) {
    return fail(2, error.what());
  } catch (const c10::Error& error) {  // its what() is mostly stack frames
    return fail(1, error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return fail(1, "there is not enough memory; try a smaller model, context or batch");
  } catch (const std::exception& error) {
    return fail(1, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"strop-trainer: trains, evaluates and serves a team's completion model"};
  app.set_version_flag("--version", "strop-trainer " STROP_VERSION);
  app.require_subcommand(1);
  strop::trainer::Action action;
  strop::trainer::register_bpe(app, action);
  strop::trainer::register_pretrain(app, action);
  strop::trainer::register_sft(app, action);
  strop::trainer::register_dpo(app, action);
  strop::trainer::register_kto(app, action);
  strop::trainer::register_plan(app, action);
  strop::trainer::register_evaluate(app, action);
  strop::trainer::register_serve(app, action);
  strop::trainer::register_export(app, action);
  return run(app, action, argc, argv);
}
