// The choice of files: by list, by folder and pattern; held out by list and by hash.
#include "trainer/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace strop::trainer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Corpus : public testing::Test {
 protected:
  Corpus() {
    for (const char* name :
         {"lib/a.py", "lib/b.py", "lib/deep/c.py", "lib/tests/t.py", "lib/d.txt", "other/e.py"})
      write_bytes(folder_ / name, name);
    recipe_.root = folder_.path();
  }
  std::string refusal() {
    try {
      select_files(recipe_);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  TemporaryFolder folder_;
  CorpusRecipe recipe_;
};

TEST_F(Corpus, FilesOfFoldersByPattern) {
  recipe_.directories = {"lib"};
  recipe_.include = {"*.py"};
  recipe_.exclude = {"*/tests/*"};
  write_bytes(folder_ / "held.list", "lib/b.py\n");
  recipe_.heldout = folder_ / "held.list";
  const CorpusFiles files = select_files(recipe_);
  EXPECT_THAT(files.train, ElementsAre("lib/a.py", "lib/deep/c.py"));
  EXPECT_THAT(files.heldout, ElementsAre("lib/b.py"));
}

TEST_F(Corpus, AListAndFoldersAddUpWithoutRepeats) {
  write_bytes(folder_ / "list", "# what to read\nother/e.py\nlib/a.py\n\n");
  recipe_.files = folder_ / "list";
  recipe_.directories = {"lib/deep", "lib"};
  recipe_.include = {"*.py"};
  write_bytes(folder_ / "held.list", "lib/tests/t.py\n");
  recipe_.heldout = folder_ / "held.list";
  EXPECT_THAT(select_files(recipe_).train,
              ElementsAre("lib/a.py", "lib/b.py", "lib/deep/c.py", "other/e.py"));
}

TEST_F(Corpus, AShareIsHeldOutByTheHashOfThePath) {
  int held = 0;
  for (int i = 0; i < 4000; ++i) held += is_held_out("file" + std::to_string(i), 0.05) ? 1 : 0;
  EXPECT_NEAR(held, 200, 60);
  EXPECT_FALSE(is_held_out("x", 0));
  EXPECT_TRUE(is_held_out("x", 1));
  // What is held out at a smaller share is held out at a larger one.
  for (int i = 0; i < 500; ++i) {
    const std::string name = "file" + std::to_string(i);
    if (is_held_out(name, 0.05)) {
      EXPECT_TRUE(is_held_out(name, 0.2)) << name;
    }
  }
}

TEST_F(Corpus, NoFileIsBothTrainedOnAndHeldOut) {
  for (int i = 0; i < 100; ++i) write_bytes(folder_ / ("many/" + std::to_string(i)), "x");
  recipe_.directories = {"many"};
  recipe_.heldout_share = 0.3;
  const CorpusFiles files = select_files(recipe_);
  EXPECT_EQ(files.train.size() + files.heldout.size(), 100U);
  for (const std::string& path : files.heldout)
    EXPECT_THAT(files.train, testing::Not(testing::Contains(path)));
}

TEST_F(Corpus, SaysWhatIsMissing) {
  recipe_.directories = {"gone"};
  EXPECT_THAT(refusal(), HasSubstr("gone, which is not there"));
  recipe_.directories = {"lib"};
  recipe_.include = {"*.rs"};
  EXPECT_THAT(refusal(), HasSubstr("no files to train on"));
  recipe_.include = {"*.py"};
  EXPECT_THAT(refusal(), HasSubstr("holds no file out"));
}

TEST_F(Corpus, ReadsTextsAndNamesAFileThatIsNotThere) {
  EXPECT_THAT(read_texts(folder_.path(), {"lib/a.py", "lib/d.txt"}),
              ElementsAre("lib/a.py", "lib/d.txt"));
  for (const char* path : {"lib/gone.py", "lib"}) {
    try {
      read_texts(folder_.path(), {path});
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr(folder_ / path));
    }
  }
}

}  // namespace
}  // namespace strop::trainer
