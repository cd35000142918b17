// The driver finds what is planted, keeps the input that did it, and does the same again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/temporary_folder.h"

namespace {

namespace fs = std::filesystem;
using strop::support::TemporaryFolder;
using namespace std::string_literals;
using testing::HasSubstr;

struct Ran {
  int code = 0;  // of the process; of a signal 128 and its number
  std::string output;
  std::string input;  // what the crash file holds
  int crash_files = 0;
};

class Driver : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) {
    std::ofstream(corpus_ / name, std::ios::binary) << text;
  }

  Ran run(const std::string& options) {
    const std::string command =
        "cd '" + folder_.path().string() + "' && '" + STROP_FUZZ_PLANTED + "' " + options + " 2>&1";
    Ran ran;
    FILE* pipe = ::popen(command.c_str(), "r");
    for (int c = 0; pipe != nullptr && (c = std::fgetc(pipe)) != EOF;)
      ran.output.push_back(static_cast<char>(c));
    const int status = ::pclose(pipe);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      if (entry.path().filename().string().starts_with("crash-")) {
        std::ifstream in(entry.path(), std::ios::binary);
        ran.input.assign(std::istreambuf_iterator<char>(in), {});
        EXPECT_THAT(ran.output, HasSubstr(fs::canonical(entry.path()).string()));
        ++ran.crash_files;
        in.close();
        fs::remove(entry.path());
      }
    return ran;
  }

  // What a run to its end says of the inputs it ran.
  static std::string inputs(const Ran& ran) {
    const std::size_t at = ran.output.find(", inputs");
    return at == std::string::npos ? "" : ran.output.substr(at);
  }

  TemporaryFolder folder_;
  fs::path corpus_ = [this] {
    fs::create_directory(folder_ / "corpus");
    return folder_ / "corpus";
  }();
};

TEST_F(Driver, FindsAPlantedFaultAndKeepsItsInput) {
  put("a", "AB\n");
  const Ran ran = run("--runs 200000 --seed 7 corpus");
  EXPECT_NE(ran.code, 0);
  EXPECT_EQ(ran.crash_files, 1);
  EXPECT_THAT(ran.input, HasSubstr("ABBA\nABBA"));
  EXPECT_THAT(ran.output, HasSubstr("does not hold: no input holds ABBA twice"));
  EXPECT_THAT(ran.output, HasSubstr("seed 7"));
  EXPECT_EQ(run("--runs 200000 --seed 7 corpus").input, ran.input) << "the same seed, the same end";
}

TEST_F(Driver, ACrashFileCrashesAgain) {
  put("a", "xABBA\nABBAx");
  const Ran ran = run("corpus/a");
  EXPECT_NE(ran.code, 0);
  EXPECT_EQ(ran.input, "xABBA\nABBAx");
}

TEST_F(Driver, KeepsTheInputHoweverTheProcessEnds) {
  std::vector<std::string> ways{"[abort]", "[throw]", "[segv]"};
#ifndef __SANITIZE_THREAD__  // which has a stack of its own that gives way first
  ways.emplace_back("[stack]");
#endif
  for (const std::string& how : ways) {
    put("a", how + "\0\xff"s);
    const Ran ran = run("corpus");
    EXPECT_NE(ran.code, 0) << how;
    EXPECT_EQ(ran.input, how + "\0\xff"s) << ran.output;
  }
}

TEST_F(Driver, KeepsAnInputThatTakesTooLong) {
  put("a", "[loop]");
  const Ran ran = run("--limit 1 corpus");
  EXPECT_NE(ran.code, 0);
  EXPECT_EQ(ran.input, "[loop]");
  EXPECT_THAT(ran.output, HasSubstr("takes too long"));
}

TEST_F(Driver, TheSameSeedGivesTheSameInputs) {
  put("a", "abc");
  put("b", "12\n34\n");
  const Ran first = run("--runs 500 --seed 3 corpus");
  EXPECT_EQ(first.code, 0) << first.output;
  EXPECT_THAT(first.output, HasSubstr("fuzz: 500 runs, "));
  EXPECT_EQ(inputs(run("--runs 500 --seed 3 corpus")), inputs(first));
  EXPECT_NE(inputs(run("--runs 500 --seed 4 corpus")), inputs(first));
}

TEST_F(Driver, WithNeitherTimeNorRunsTheFilesAreRunAlone) {
  put("a", "abc");
  put("b", "");
  EXPECT_THAT(run("--seed 1 corpus").output, HasSubstr("fuzz: 2 runs, "));
  EXPECT_THAT(run("--seconds 0 corpus").output, HasSubstr("fuzz: 2 runs, "));
}

TEST_F(Driver, WrongUsageIsTold) {
  for (const std::string options :
       {"", "nowhere", "--runs", "--runs x corpus", "--other 1 corpus", "--limit 0 corpus"}) {
    const Ran ran = run(options);
    EXPECT_EQ(ran.code, 2) << options;
    EXPECT_THAT(ran.output, HasSubstr("usage:")) << options;
    EXPECT_EQ(ran.crash_files, 0);
  }
}

}  // namespace
