// The reference's scores between runs: what comes back, and what is not believed.
#include "trainer/reference_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "temporary_folder.h"

namespace strop::trainer {
namespace {

TokenPair pair(TokenId last) { return {.prompt = {1, 2}, .chosen = {3}, .rejected = {4, last}}; }

constexpr ReferenceScore kScore{-1.1F, -2.3F, 0.7F};

class Cache : public testing::Test {
 protected:
  ReferenceCache open(const std::string& base = "base") const { return {file_, base}; }

  TemporaryFolder folder_;
  std::string file_ = folder_ / "reference.jsonl";
};

TEST_F(Cache, GivesBackToTheLastBitWhatItWasGiven) {
  ReferenceCache first = open();
  EXPECT_EQ(first.find(pair(5)), std::nullopt);
  first.add(pair(5), kScore);
  first.save();
  ReferenceCache again = open();
  EXPECT_EQ(again.find(pair(5)), kScore);
  EXPECT_EQ(again.find(pair(6)), std::nullopt);
  EXPECT_EQ(again.found(), 1U);
}

TEST_F(Cache, WhatIsComparedIsPartOfThePair) {
  ReferenceCache first = open();
  first.add(pair(5), kScore);
  first.save();
  TokenPair other = pair(5);
  other.chosen_compared = {true};
  EXPECT_EQ(open().find(other), kScore);  // all, said otherwise
  other.rejected_compared = {true, false};
  EXPECT_EQ(open().find(other), std::nullopt);
}

TEST_F(Cache, WeightAndEpsilonAreNot) {
  ReferenceCache first = open();
  first.add(pair(5), kScore);
  first.save();
  TokenPair other = pair(5);
  other.weight = 3;
  other.epsilon = 0.3;
  EXPECT_EQ(open().find(other), kScore);
}

TEST_F(Cache, AnotherBaseKnowsNothingOfIt) {
  ReferenceCache first = open();
  first.add(pair(5), kScore);
  first.save();
  EXPECT_EQ(open("other").find(pair(5)), std::nullopt);
}

TEST_F(Cache, WhatNoRunAsksForGoes) {
  ReferenceCache first = open();
  first.add(pair(5), kScore);
  first.add(pair(6), kScore);
  first.save();
  ReferenceCache second = open();
  EXPECT_TRUE(second.find(pair(6)));
  second.save();
  EXPECT_FALSE(open().find(pair(5)));
  EXPECT_TRUE(open().find(pair(6)));
}

TEST_F(Cache, OfTwoThatAreAlikeTheFirstIsKept) {
  ReferenceCache cache = open();
  EXPECT_EQ(cache.add(pair(5), kScore), kScore);
  EXPECT_EQ(cache.add(pair(5), {1, 2, 3}), kScore);
}

TEST_F(Cache, WhatWasKeptIsThereAfterAKill) {
  {
    ReferenceCache cut = open();
    cut.add(pair(5), kScore);
    cut.keep();
    cut.add(pair(6), kScore);
  }  // never saved
  ReferenceCache again = open();
  EXPECT_EQ(again.find(pair(5)), kScore);
  again.add(pair(7), kScore);
  again.save();
  EXPECT_FALSE(std::filesystem::exists(file_ + ".part"));
  EXPECT_TRUE(open().find(pair(5)));
  EXPECT_TRUE(open().find(pair(7)));
}

TEST_F(Cache, HalfALastLineIsPassedOver) {
  {
    ReferenceCache cut = open();
    cut.add(pair(5), kScore);
    cut.keep();
  }
  const std::string whole = read_bytes(file_ + ".part");
  write_bytes(file_ + ".part", whole + whole.substr(whole.find('\n') + 1, 20));
  {
    ReferenceCache again = open();
    EXPECT_TRUE(again.find(pair(5)));
    again.add(pair(6), kScore);
    again.keep();
  }
  ReferenceCache third = open();
  EXPECT_TRUE(third.find(pair(5)));
  EXPECT_TRUE(third.find(pair(6)));
}

TEST_F(Cache, AnUnfinishedRunLeavesTheFileOfAnotherBaseAlone) {
  ReferenceCache first = open();
  first.add(pair(5), kScore);
  first.save();
  {
    ReferenceCache other = open("other");
    other.add(pair(6), kScore);
    other.keep();
  }
  EXPECT_TRUE(open().find(pair(5)));
}

TEST_F(Cache, WhatCannotBeWrittenIsFoundOutAtOnce) {
  try {
    const ReferenceCache cache(folder_ / "none/reference.jsonl", "base");
    FAIL() << "opened";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("none/reference.jsonl"),
                                             testing::HasSubstr("make that folder")));
  }
}

TEST_F(Cache, ARunThatAsksNothingLeavesNothing) {
  { const ReferenceCache cache = open(); }
  EXPECT_FALSE(std::filesystem::exists(file_ + ".part"));
}

TEST_F(Cache, ADamagedFileCountsAsEmpty) {
  ReferenceCache first = open();
  first.add(pair(5), kScore);
  first.save();
  write_bytes(file_, read_bytes(file_) + "{\"pair\": \"x\"}\n");
  EXPECT_FALSE(open().find(pair(5)));
  write_bytes(file_, "not json");
  EXPECT_FALSE(open().find(pair(5)));
}

}  // namespace
}  // namespace strop::trainer
