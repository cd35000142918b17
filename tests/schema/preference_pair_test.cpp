// Preference pairs and unpaired examples: written, read back, and refused by name.
#include "schema/preference_pair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace strop::schema {
namespace {

using nlohmann::json;
using testing::HasSubstr;

PreferencePair full_pair() {
  PreferencePair pair;
  pair.id = "e:s1:0";
  pair.language = "python";
  pair.repo = "r";
  pair.path_ext = ".py";
  pair.prefix = "return ";
  pair.suffix = "\n«ä»";
  pair.chosen = "x - y";
  pair.rejected = "x + y";
  pair.kind = "edited";
  pair.epsilon = 0.06;
  pair.weight = 1.5;
  pair.dimensions = {{"correctness", {"chosen", "rating", 0.9}}};
  pair.contributor = "c";
  pair.model = "m";
  pair.arm = "b";
  pair.prompt = "exact";
  pair.split = "heldout";
  pair.t = 1000.5;
  pair.events = {"e:1", "e:2"};
  return pair;
}

TEST(PreferencePair, IsReadBackAsItWasWritten) {
  PreferencePair without_arm = full_pair();
  without_arm.arm.reset();
  for (const PreferencePair& pair : {full_pair(), without_arm, PreferencePair{}}) {
    const auto read = pair_from_json(json::parse(pair_to_json(pair).dump()));
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(*read, pair);
  }
}

TEST(PreferencePair, AnUnpairedExampleHasALabelInstead) {
  UnpairedExample example;
  example.about = full_pair();
  example.about.chosen.clear();
  example.about.rejected.clear();
  example.about.kind = "dismissed";
  example.completion = "x + y";
  for (const bool label : {false, true}) {
    example.label = label;
    const json written = example_to_json(example);
    EXPECT_FALSE(written.contains("chosen"));
    EXPECT_FALSE(written.contains("rejected"));
    const auto read = example_from_json(written);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(*read, example);
  }
}

TEST(PreferencePair, WhatIsOptionalHasItsDefault) {
  const auto pair =
      pair_from_json(json::parse(R"({"v":1,"prefix":"a","chosen":"b","rejected":"c","later":1})"));
  ASSERT_TRUE(pair) << pair.error();
  PreferencePair expected;
  expected.prefix = "a";
  expected.chosen = "b";
  expected.rejected = "c";
  EXPECT_EQ(*pair, expected);
  EXPECT_EQ(pair->weight, 1);
  EXPECT_EQ(pair->split, "train");
}

TEST(PreferencePair, WhatIsNoneIsRefusedByName) {
  struct {
    std::string text;
    std::string says;
  } const table[] = {
      {"null", "not a preference pair"},
      {"[]", "not a preference pair"},
      {"{}", "'v'"},
      {R"({"v":2})", "version 2 is not one this build reads"},
      {R"({"v":1})", "'prefix'"},
      {R"({"v":1,"prefix":"a","rejected":"c"})", "'chosen'"},
      {R"({"v":1,"prefix":"a","chosen":"b"})", "'rejected'"},
      {R"({"v":1,"prefix":7,"chosen":"b","rejected":"c"})", "must be string"},
      {R"({"v":1,"prefix":"a","chosen":"b","rejected":"c","epsilon":0.5})", "'epsilon'"},
      {R"({"v":1,"prefix":"a","chosen":"b","rejected":"c","epsilon":-0.1})", "'epsilon'"},
      {R"({"v":1,"prefix":"a","chosen":"b","rejected":"c","weight":-1})", "'weight'"},
      {R"({"v":1,"prefix":"a","chosen":"b","rejected":"c","weight":"1"})", "must be number"},
      {R"({"v":1,"prefix":"a","chosen":"b","rejected":"c","events":"e"})", "must be array"},
      {R"({"v":1,"prefix":"a","chosen":"b","rejected":"c","dimensions":{"x":1}})", "not a"},
  };
  for (const auto& [text, says] : table) {
    const auto pair = pair_from_json(json::parse(text));
    ASSERT_FALSE(pair) << text;
    EXPECT_THAT(pair.error(), HasSubstr(says)) << text;
  }
  const auto example =
      example_from_json(json::parse(R"({"v":1,"prefix":"a","completion":"b","label":1})"));
  ASSERT_FALSE(example);
  EXPECT_THAT(example.error(), HasSubstr("must be boolean"));
}

// The line of FORMAT.md's example is a pair, and written as it stands there.
TEST(PreferencePair, TheFormatsExampleIsWhatThisCodeWrites) {
  std::ifstream format(std::string(STROP_SOURCE_DIR) + "/schema/FORMAT.md");
  bool inside = false;
  int pairs = 0;
  for (std::string line; std::getline(format, line);) {
    if (line == "```json pairs")
      inside = true;
    else if (line == "```")
      inside = false;
    else if (inside) {
      const json written = json::parse(line);
      const auto pair = pair_from_json(written);
      ASSERT_TRUE(pair) << pair.error();
      EXPECT_EQ(pair_to_json(*pair), written);
      ++pairs;
    }
  }
  EXPECT_EQ(pairs, 1);
}

}  // namespace
}  // namespace strop::schema
