// Checkpoints: whole or absent, and a corrupt one says what to do.
#include "trainer/checkpoint.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "temporary_folder.h"

namespace strop::trainer {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Checkpoint at_step(int step) {
  return {{{"w", torch::full({4}, step, torch::kFloat32)}},
          {{"m.0", torch::ones({4})}},
          {{"step", step}, {"recipe", "r"}}};
}

TEST(CheckpointFolder, ComesBackAsItWas) {
  const TemporaryFolder folder;
  const std::string path = folder / "checkpoint";
  const auto none = load_checkpoint(path);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
  save_checkpoint(path, at_step(3));
  save_checkpoint(path, at_step(4));
  const auto loaded = load_checkpoint(path);
  ASSERT_TRUE(loaded) << loaded.error();
  EXPECT_EQ((*loaded)->state, at_step(4).state);
  EXPECT_TRUE(torch::equal((*loaded)->model.at("w"), at_step(4).model.at("w")));
  EXPECT_TRUE(torch::equal((*loaded)->optimizer.at("m.0"), torch::ones({4})));
  EXPECT_FALSE(std::filesystem::exists(path + ".old"));
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST(CheckpointFolder, KilledWhileWritingTheOldOneServes) {
  const TemporaryFolder folder;
  const std::string path = folder / "checkpoint";
  save_checkpoint(path, at_step(3));
  // Killed before the first rename: half a new one lies beside it.
  write_bytes(path + ".new/model.safetensors", "half");
  EXPECT_EQ((*load_checkpoint(path))->state.at("step"), 3);
  // Killed between the renames.
  std::filesystem::rename(path, path + ".old");
  EXPECT_EQ((*load_checkpoint(path))->state.at("step"), 3);
  // And the next one is written over the remains.
  save_checkpoint(path, at_step(5));
  EXPECT_EQ((*load_checkpoint(path))->state.at("step"), 5);
}

TEST(CheckpointFolder, ARemovedOneLeavesNothing) {
  const TemporaryFolder folder;
  const std::string path = folder / "checkpoint";
  save_checkpoint(path, at_step(3));
  for (const char* beside : {".old", ".new"})
    std::filesystem::copy(path, path + beside, std::filesystem::copy_options::recursive);
  remove_checkpoint(path);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  remove_checkpoint(path);  // of a run too short for one
  // Killed in the middle: nobody reads what is left, and the next one is written over it.
  save_checkpoint(path, at_step(3));
  std::filesystem::rename(path, path + ".new");
  std::filesystem::remove(path + ".new/state.json");
  EXPECT_FALSE(load_checkpoint(path).value().has_value());
  save_checkpoint(path, at_step(4));
  EXPECT_EQ((*load_checkpoint(path))->state.at("step"), 4);
}

// Ends work within, as a kill would, where it opens more than so many files at once.
class FewFiles {
 public:
  explicit FewFiles(rlim_t more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(next);
    const rlimit limit{static_cast<rlim_t>(next) + more, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~FewFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;

 private:
  rlimit before_{};
};

TEST(CheckpointFolder, KilledTwiceTheOneThatIsWholeServesStill) {
  const TemporaryFolder folder;
  const std::string path = folder / "checkpoint";
  save_checkpoint(path, at_step(3));
  // Killed between the renames of the first save; the second ends before its own last rename.
  std::filesystem::rename(path, path + ".old");
  std::filesystem::create_symlink("nowhere", path);  // over which no folder can be renamed
  EXPECT_THROW(save_checkpoint(path, at_step(4)), std::exception);
  EXPECT_EQ((*load_checkpoint(path))->state.at("step"), 3);
  std::filesystem::remove(path);
  save_checkpoint(path, at_step(5));
  EXPECT_EQ((*load_checkpoint(path))->state.at("step"), 5);
  EXPECT_FALSE(std::filesystem::exists(path + ".old"));
}

TEST(CheckpointFolder, KilledWhileRemovingTheOldOneThereIsNoneRatherThanHalfOfOne) {
  const TemporaryFolder folder;
  const std::string path = folder / "checkpoint";
  save_checkpoint(path, at_step(3));
  std::filesystem::create_directories(path + "/1/2/3/4/5/6/7/8/9");
  std::filesystem::rename(path, path + ".old");
  {
    const FewFiles few(4);
    EXPECT_THROW(remove_checkpoint(path), std::exception);
  }
  const auto left = load_checkpoint(path);
  ASSERT_TRUE(left) << left.error();
  EXPECT_FALSE(left->has_value());
  remove_checkpoint(path);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(CheckpointFolder, WhatTwoRunsDifferInIsNamed) {
  const nlohmann::json one{{"base", "a"}, {"recipe", {{"beta", 0.1}, {"seed", 1}}}};
  nlohmann::json other = one;
  EXPECT_EQ(differences(one, other), "");
  other["base"] = "b";
  other["recipe"]["beta"] = 0.2;
  other["recipe"].erase("seed");
  EXPECT_EQ(differences(one, other), "base, recipe.beta, recipe.seed");
}

TEST(CheckpointFolder, ACorruptOneSaysWhatToDo) {
  for (const char* name :
       {"model.safetensors", "optimizer.safetensors", "state.json", "SHA256SUMS"}) {
    for (const char* bytes : {"", "garbage that is no such file"}) {
      const TemporaryFolder folder;
      save_checkpoint(folder / "checkpoint", at_step(3));
      write_bytes(folder / ("checkpoint/" + std::string(name)), bytes);
      const auto loaded = load_checkpoint(folder / "checkpoint");
      ASSERT_FALSE(loaded) << name;
      EXPECT_THAT(loaded.error(), AllOf(HasSubstr(folder / "checkpoint"), HasSubstr(name),
                                        HasSubstr("Delete that folder to start the run afresh")));
    }
  }
}

// A limit of file sizes is a full disk.
class FullDisk {
 public:
  FullDisk() : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{1024, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST(WriteFile, AFullDiskLeavesWhatWasThereAndNothingElse) {
  const TemporaryFolder folder;
  write_file(folder / "text", "old");
  write_file(folder / "tensors", "old");
  {
    const FullDisk full;
    EXPECT_THROW(write_file(folder / "text", std::string(100'000, 'x')), std::runtime_error);
    EXPECT_THROW(write_safetensors(folder / "tensors", {{"w", torch::ones({100'000})}}, {}),
                 std::runtime_error);
  }
  EXPECT_EQ(read_bytes(folder / "text"), "old");
  EXPECT_EQ(read_bytes(folder / "tensors"), "old");
  EXPECT_FALSE(std::filesystem::exists(folder / "text.tmp"));
  EXPECT_FALSE(std::filesystem::exists(folder / "tensors.tmp"));
}

TEST(WriteFile, AFailedRenameLeavesNothingElse) {
  const TemporaryFolder folder;
  write_bytes(folder / "taken/inside", "x");
  EXPECT_THROW(write_file(folder / "taken", "x"), std::exception);
  EXPECT_THROW(write_safetensors(folder / "taken", {{"w", torch::ones({2})}}, {}),
               std::runtime_error);
  EXPECT_FALSE(std::filesystem::exists(folder / "taken.tmp"));
}

TEST(WriteFile, ReplacesInOneStepAndNamesWhatItCannotWrite) {
  const TemporaryFolder folder;
  write_file(folder / "a", "one");
  write_file(folder / "a", "two");
  EXPECT_EQ(read_bytes(folder / "a"), "two");
  EXPECT_FALSE(std::filesystem::exists(folder / "a.tmp"));
  try {
    write_file(folder / "none/a", "x");
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(folder / "none/a"), HasSubstr("make that folder")));
  }
}

}  // namespace
}  // namespace strop::trainer
