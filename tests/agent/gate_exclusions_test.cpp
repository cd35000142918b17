// What git leaves alone by its configuration, worktrees, and files that are never captured again.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/inspector.h"
#include "gate_fixture.h"

namespace strop::agent::test {
namespace {

using nlohmann::json;

class GateExclusionsTest : public GateTest {
 protected:
  // What keeps a file of the workspace from being captured; empty: nothing.
  std::string rule_of(const std::string& file) {
    now_ms_ += 5'000;
    const GateResult result = gate_->pass(event(work() / file, kPrivate));
    return result.suppressed ? result.rule : "";
  }
};

TEST_F(GateExclusionsTest, TheUsersExcludesFileCounts) {
  write(home() / ".gitconfig", "[user]\n\tname = a\n[Core]\n\texcludesFile = ~/.ignored ; mine\n");
  write(home() / ".ignored", "*.notes\n");
  gate();
  EXPECT_EQ(rule_of("x/a.notes"), "core.excludesFile:*.notes");
  EXPECT_EQ(rule_of("x/a.cpp"), "");
}

TEST_F(GateExclusionsTest, TheRepositorysAndIncludedExcludesFilesCountToo) {
  const fs::path list = folder_.path() / "my list";
  write(list, "private/\n");
  write(work() / ".git/config", "[core] excludesfile = \"" + list.string() + "\"\n");
  write(home() / ".config/git/config", "[include]\n  path = more\n");
  write(home() / ".config/git/more", "[core]\nexcludesfile = ~/second\n");
  write(home() / "second", "*.two\n");
  gate();
  EXPECT_EQ(rule_of("private/a.cpp"), "core.excludesFile:private/");
  EXPECT_EQ(rule_of("a.two"), "core.excludesFile:*.two");
}

TEST_F(GateExclusionsTest, GitsFolderMayLieElsewhere) {
  const fs::path git = folder_.path() / "settings/git";
  write(git / "ignore", "*.one\n");
  write(git / "config", "[core]\nexcludesfile = ~/second\n");
  write(home() / "second", "*.two\n");
  write(home() / ".config/git/ignore", "*.three\n");
  GateOptions options;
  options.mode = Mode::kFull;
  options.workspaces = {work().string()};
  options.state = state();
  options.user = {home(), git};
  options.now_ms = [this] { return now_ms_; };
  gate_.emplace(std::move(options));
  EXPECT_EQ(rule_of("a.one"), "git's own ignore file:*.one");
  EXPECT_EQ(rule_of("a.two"), "core.excludesFile:*.two");
  EXPECT_EQ(rule_of("a.three"), "");
}

TEST_F(GateExclusionsTest, AnIncludeOfItselfEnds) {
  write(home() / ".gitconfig", "[include]\npath = .gitconfig\n");
  gate();
  EXPECT_EQ(rule_of("a.cpp"), "");
}

// Thirty of thirty of thirty…: what a broken configuration costs is bounded.
TEST_F(GateExclusionsTest, IncludesWithoutEndAreLeft) {
  std::string includes = "[include]\n";
  for (int i = 0; i < 30; ++i) includes += "path = .gitconfig\n";
  write(home() / ".gitconfig", includes + "[core]\nexcludesfile = ~/last\n");
  write(home() / "last", "*.two\n");
  gate();
  EXPECT_EQ(rule_of("a.two"), "core.excludesFile:*.two");
}

TEST_F(GateExclusionsTest, AWorktreeIsARepository) {
  const fs::path main = folder_.path() / "main/.git";
  const std::string commit(40, 'b');
  write(work() / ".git", "gitdir: " + (main / "worktrees/w").string() + "\n");
  write(main / "worktrees/w/HEAD", "ref: refs/heads/w\n");
  write(main / "worktrees/w/commondir", "../..\n");
  write(main / "refs/heads/w", commit + "\n");
  write(main / "info/exclude", "*.local\n");
  write(work() / ".gitignore", "/x/*.gen\n");
  gate();
  EXPECT_EQ(rule_of("x/a.local"), ".git/info/exclude:*.local");
  EXPECT_EQ(rule_of("x/a.gen"), ".gitignore:/x/*.gen");
  const json record = json::parse(gate_->pass(event(work() / "x/a.cpp", "t")).bytes);
  EXPECT_EQ(record["path"], "x/a.cpp");
  EXPECT_EQ(record["commit"], commit);
}

// As git has it: what lies below an ignored folder cannot be taken back, by the same pattern or
// not.
TEST_F(GateExclusionsTest, NothingIsTakenBackBelowAFolderThatTheSamePatternIgnores) {
  write(work() / ".gitignore", "out*\n");
  write(work() / "out/.gitignore", "!outline.cpp\n");
  write(work() / "in/.gitignore", "!outline.cpp\n");
  gate();
  EXPECT_EQ(rule_of("out/outline.cpp"), ".gitignore:out*");
  EXPECT_EQ(rule_of("in/outline.cpp"), "");
}

TEST_F(GateExclusionsTest, AFileThatIsForgottenForEverIsNeitherCapturedNorSent) {
  gate();
  EXPECT_FALSE(gate_->pass(event(work() / "a.cpp", kPrivate)).suppressed);
  std::ostringstream out;
  ForgetWhat what;
  what.file = work() / "a.cpp";
  what.never = true;
  ASSERT_EQ(forget(state(), what, out, out), 0) << out.str();
  // At once: no cache delays it.
  EXPECT_EQ(gate_->pass(event(work() / "a.cpp", kPrivate)).rule, "never");
  EXPECT_FALSE(gate_->pass_request("file://" + (work() / "a.cpp").string(), "a", "").allowed);
  EXPECT_FALSE(gate_->pass(event(work() / "b.cpp", kPrivate)).suppressed);
  EXPECT_EQ(gate().pass(event(work() / "a.cpp", kPrivate)).rule, "never") << "and by a new agent";
}

TEST_F(GateExclusionsTest, AListThatCannotBeReadHoldsEveryFile) {
  fs::create_directories(state() / "never");
  gate();
  EXPECT_EQ(rule_of("a.cpp"), "never:unreadable");
}

}  // namespace
}  // namespace strop::agent::test
