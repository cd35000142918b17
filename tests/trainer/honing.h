// `strop-trainer dpo` as a process of its own, on pairs and a recipe made here, for it is to be
// killed.
//
// A value over a folder that it makes; one thread. Errors: exceptions.
#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "schema/preference_pair.h"
#include "temporary_folder.h"

namespace strop::trainer {

class Honing {
 public:
  // Ends with the object.
  class Process {
   public:
    explicit Process(std::vector<std::string> arguments) {
      std::vector<char*> argv;
      for (std::string& word : arguments) argv.push_back(word.data());
      argv.push_back(nullptr);
      if (::posix_spawn(&id_, argv[0], nullptr, nullptr, argv.data(), environ) != 0)
        throw std::runtime_error("cannot start " + arguments[0]);
    }
    ~Process() {
      kill();
      if (!ended()) ::waitpid(id_, nullptr, 0);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void kill() const {
      if (!is_reaped_) ::kill(id_, SIGKILL);
    }
    bool ended() {
      if (!is_reaped_) is_reaped_ = ::waitpid(id_, &status_, WNOHANG) == id_;
      return is_reaped_;
    }
    // Its exit code, 128 + the signal that ended it.
    int wait() {
      if (!is_reaped_) is_reaped_ = ::waitpid(id_, &status_, 0) == id_;
      return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
    }

   private:
    pid_t id_ = -1;
    int status_ = 0;
    bool is_reaped_ = false;
  };

  // `train`: lines of the recipe's [train].
  explicit Honing(const std::string& train) {
    write_bytes(recipe(),
                "[data]\ncontext = 64\n[adapter]\nrank = 4\nalpha = 8\n[train]\n" + train);
    write_bytes(pairs(), some_pairs());
  }

  std::string recipe() const { return folder_ / "recipe.toml"; }
  std::string pairs() const { return folder_ / "pairs.jsonl"; }
  std::string out(const std::string& name) const { return folder_ / name; }
  static std::string base() { return STROP_SOURCE_DIR "/models/strop-tiny"; }

  std::vector<std::string> command(const std::string& name) const {
    return {STROP_BIN_DIR "/strop-trainer",
            "dpo",
            recipe(),
            "--base",
            base(),
            "--pairs",
            pairs(),
            "--out",
            out(name),
            "--threads",
            "2"};
  }
  Process start(const std::string& name) const { return Process(command(name)); }

  std::string adapter(const std::string& name) const {
    return read_bytes(out(name) + "/adapter_model.safetensors");
  }

  static std::string some_pairs() {
    std::string text;
    for (const char* name : {"size", "name", "path", "color", "width", "owner", "title", "value",
                             "count", "index", "level", "parent"}) {
      schema::PreferencePair pair;
      pair.id = name;
      pair.language = "python";
      pair.kind = "typed_instead";
      pair.prefix = std::string("def get_") + name + "(self):\n    return";
      pair.chosen = std::string(" self._store.fetch(\"") + name + "\")";
      pair.rejected = std::string(" self.") + name;
      text += schema::pair_to_json(pair).dump() + "\n";
    }
    return text;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace strop::trainer
