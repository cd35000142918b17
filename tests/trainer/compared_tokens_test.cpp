// Which tokens the preference term compares.
#include "trainer/compared_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strop::trainer {
namespace {

using testing::ElementsAre;

TokenPair compare(std::vector<TokenId> chosen, std::vector<TokenId> rejected,
                  ComparedTokens which) {
  TokenPair out{.chosen = std::move(chosen), .rejected = std::move(rejected)};
  choose_compared(out, which);
  return out;
}

TEST(ComparedTokens, AllOfThem) {
  const TokenPair pair = compare({1, 2}, {1, 3, 4}, ComparedTokens::kAll);
  EXPECT_THAT(pair.chosen_compared, ElementsAre(true, true));
  EXPECT_THAT(pair.rejected_compared, ElementsAre(true, true, true));
  EXPECT_TRUE(pair.compares);
}

TEST(ComparedTokens, ThoseOfTheEdit) {
  const TokenPair pair = compare({1, 2, 3, 4, 9}, {1, 3, 5, 4}, ComparedTokens::kEdited);
  EXPECT_THAT(pair.chosen_compared, ElementsAre(false, true, false, false, true));
  EXPECT_THAT(pair.rejected_compared, ElementsAre(false, false, true, false));
  EXPECT_TRUE(pair.compares);
}

TEST(ComparedTokens, AnEditThatOnlyTakesOut) {
  const TokenPair pair = compare({1, 2}, {1, 7, 2, 8}, ComparedTokens::kEdited);
  EXPECT_THAT(pair.chosen_compared, ElementsAre(false, false));
  EXPECT_THAT(pair.rejected_compared, ElementsAre(false, true, false, true));
  EXPECT_TRUE(pair.compares);
}

TEST(ComparedTokens, TheFirstPlaceWhereTheyDiffer) {
  const TokenPair pair = compare({1, 2, 3}, {1, 4, 3, 5}, ComparedTokens::kFirst);
  EXPECT_THAT(pair.chosen_compared, ElementsAre(false, true, false));
  EXPECT_THAT(pair.rejected_compared, ElementsAre(false, true, false, false));
  EXPECT_TRUE(pair.compares);
}

TEST(ComparedTokens, WhereOneIsTheBeginningOfTheOtherThereIsNoSuchPlace) {
  const TokenPair pair = compare({1, 2}, {1, 2, 3}, ComparedTokens::kFirst);
  EXPECT_THAT(pair.chosen_compared, ElementsAre(false, false));
  EXPECT_THAT(pair.rejected_compared, ElementsAre(false, false, false));
  EXPECT_FALSE(pair.compares);
}

TEST(ComparedTokens, EachHasAName) {
  for (const ComparedTokens which :
       {ComparedTokens::kAll, ComparedTokens::kEdited, ComparedTokens::kFirst})
    EXPECT_EQ(compared_by_name(compared_name(which)), which);
  EXPECT_EQ(compared_by_name("some"), std::nullopt);
}

}  // namespace
}  // namespace strop::trainer
