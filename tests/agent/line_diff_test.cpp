// Edits taken apart line by line.
#include "agent/line_diff.h"

#include <gmock/gmock.h>

#include <random>
#include <string>

namespace strop::agent {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

std::string done(std::string text, const std::vector<Edit>& edits) {
  for (const Edit& edit : edits) {
    EXPECT_EQ(text.substr(edit.start, edit.old_text.size()), edit.old_text);
    text.replace(edit.start, edit.old_text.size(), edit.new_text);
  }
  return text;
}

TEST(LineDiff, LinesThatBothHaveStayOut) {
  const Edit edit{5, "a\nb\nc\nd\ne\n", "A\nb\nc\nx\ny\nd\n"};
  const auto at = [](std::size_t start, const std::string& out, const std::string& in) {
    return testing::AllOf(testing::Field(&Edit::start, start), testing::Field(&Edit::old_text, out),
                          testing::Field(&Edit::new_text, in));
  };
  EXPECT_THAT(line_edits(edit),
              ElementsAre(at(5, "a\n", "A\n"), at(11, "", "x\ny\n"), at(17, "e\n", "")));
}

TEST(LineDiff, ShortAndVeryDifferentEditsStayAsTheyAre) {
  EXPECT_THAT(line_edits({0, "a\nb", "c\nd"}), SizeIs(1));
  std::string all_old;
  std::string all_new;
  for (int i = 0; i < 300; ++i) {
    all_old += std::to_string(i) + "\n";
    all_new += "n" + std::to_string(i) + "\n";
  }
  EXPECT_THAT(line_edits({0, all_old, all_new}), SizeIs(1));
}

TEST(LineDiff, LeadsToTheSameTextWhateverChanged) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    std::string before;
    std::string after;
    for (int line = 0; line < 40; ++line) {
      const std::string text = std::string(1, static_cast<char>('a' + random() % 4)) + "\n";
      if (random() % 8 != 0) before += text;
      if (random() % 8 != 0) after += text;
    }
    if (random() % 2 == 0) after += "no break";
    EXPECT_EQ(done("xx" + before + "yy", line_edits({2, before, after})), "xx" + after + "yy");
  }
}

}  // namespace
}  // namespace strop::agent
