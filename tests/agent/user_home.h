// The folders of a user made up for one test, and what a command said there.
//
// Owns a temporary folder with a home, configuration, state and the place of an administrator's
// ceiling, all empty at first.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "agent/config.h"
#include "support/temporary_folder.h"

namespace strop::agent::test {

namespace fs = std::filesystem;

struct Said {
  int code = 0;
  std::string out;
  std::string err;
};

// What a command that takes two streams gives: said([&](auto& out, auto& err) { return … }).
template <class Command>
Said said(Command command) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = command(out, err);
  return {code, out.str(), err.str()};
}

class UserHome {
 public:
  UserHome() {
    fs::create_directories(places().home);
    fs::create_directories(config_folder());
  }

  Places places() const {
    return {folder_ / "etc/agent.toml", folder_ / "home", folder_ / "home/.config",
            folder_ / "home/.local/state"};
  }
  fs::path operator/(const std::string& name) const { return folder_ / name; }
  fs::path config_folder() const { return places().config_home / "strop"; }
  fs::path config_file() const { return config_folder() / "agent.toml"; }
  fs::path state() const { return places().state_home / "strop"; }

  void configure(const std::string& toml) const { write(config_file(), toml); }
  void cap(const std::string& toml) const { write(places().ceiling, toml); }

  static void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
  }
  static std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + file.string());
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  // "600": the permissions as chmod has them.
  static std::string mode_of(const fs::path& file) {
    std::ostringstream text;
    text << std::oct << static_cast<unsigned>(fs::status(file).permissions());
    return text.str();
  }

 private:
  support::TemporaryFolder folder_;
};

}  // namespace strop::agent::test
