// strop-trainer as a user runs it: arguments in, exit code and what it said out.
#pragma once

#include <spawn.h>
#include <sys/wait.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "temporary_folder.h"

namespace strop::trainer {

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

// A program by its path, which may be a script.
inline Outcome run_program(const std::string& program, const std::vector<std::string>& arguments,
                           const std::string& before = "", const std::string& out = "") {
  const TemporaryFolder folder;
  const std::string out_file = out.empty() ? folder / "out" : out;
  const std::string err_file = folder / "err";
  const std::string script =
      before + " exec \"$0\" \"$@\" >" + out_file + " 2>" + err_file + " </dev/null";
  std::vector<std::string> words{"/bin/sh", "-c", script, program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = -1;
  if (::posix_spawn(&child, argv[0], nullptr, nullptr, argv.data(), environ) != 0)
    throw std::runtime_error("cannot start /bin/sh");
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          out.empty() ? read_bytes(out_file) : "", read_bytes(err_file)};
}

// `before`: shell words in front of the program, such as a limit; `out`: a file that takes stdout.
inline Outcome run_trainer(const std::vector<std::string>& arguments,
                           const std::string& before = "", const std::string& out = "") {
  return run_program(STROP_BIN_DIR "/strop-trainer", arguments, before, out);
}

}  // namespace strop::trainer
