// What is kept of a suggestion, and how near two texts are: cases worked out by hand.
#include "trainer/kept_text.h"

#include <gtest/gtest.h>

#include <string>

namespace strop::trainer {
namespace {

struct Case {
  std::string name;
  std::string suggestion;
  std::string truth;
  Kept kept;
};

class KeptText : public testing::TestWithParam<Case> {};

TEST_P(KeptText, IsWhatADeveloperKeeps) {
  const Kept kept = kept_of(GetParam().suggestion, GetParam().truth);
  EXPECT_EQ(kept.accepted, GetParam().kept.accepted);
  EXPECT_EQ(kept.characters, GetParam().kept.characters);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, KeptText,
    testing::Values(Case{"Nothing", "", "abc", {false, 0}},
                    Case{"All", "self.ui", "self.ui.warn()", {true, 7}},
                    Case{"AllOfIt", "x = 1", "x = 1", {true, 5}},
                    Case{"WithinAWord", "self", "selfish", {true, 4}},
                    Case{"WholeWords", "self.ui.write(x)", "self.ui.warn(x)", {false, 8}},
                    Case{"AcceptedUpToHalfAWord", "return value", "return values[0]", {true, 12}},
                    Case{"NotHalfASuggestedWord", "values", "value[0]", {false, 0}},
                    Case{"BlanksAtTheEnd", "if x:", "if y:", {false, 2}},
                    Case{"OtherFromTheStart", "a", "b", {false, 0}},
                    Case{"CharactersNotBytes", "ä = ö", "ä = ö + 1", {true, 5}},
                    Case{"LettersBeyondAscii", "größe", "größer", {true, 5}},
                    Case{"HalfACharacter", "x\xC3\xA4", "x\xC3\xB6", {false, 0}}),
    [](const auto& test) { return test.param.name; });

TEST(EditSimilarity, IsOneLessTheDistanceToTheLongerLength) {
  EXPECT_DOUBLE_EQ(edit_similarity("", ""), 1);
  EXPECT_DOUBLE_EQ(edit_similarity("abc", ""), 0);
  EXPECT_DOUBLE_EQ(edit_similarity("kitten", "sitting"), 1 - 3.0 / 7);
  EXPECT_DOUBLE_EQ(edit_similarity("ä", "ö"), 0);
  EXPECT_DOUBLE_EQ(edit_similarity("xä", "xö"), 0.5);
}

}  // namespace
}  // namespace strop::trainer
