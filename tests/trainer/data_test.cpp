// From JSON lines to tokens: what is left out and why, what a completion ends with.
#include "trainer/data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "temporary_folder.h"

namespace strop::trainer {
namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer one = *Tokenizer::load(STROP_SOURCE_DIR "/models/strop-tiny");
  return one;
}

schema::PreferencePair pair_of(const std::string& prefix, const std::string& chosen,
                               const std::string& rejected) {
  schema::PreferencePair out;
  out.repo = "r";
  out.prefix = prefix;
  out.chosen = chosen;
  out.rejected = rejected;
  out.kind = "edited";
  return out;
}

TokenPairs tokens_of(const std::vector<schema::PreferencePair>& pairs, std::int64_t context = 64) {
  return tokenize_pairs(tokenizer(), pairs, {.context = context});
}

std::string text_of(const std::vector<TokenId>& tokens) { return tokenizer().decode(tokens); }

TEST(Data, PromptAndSidesAreTheTextsOfThePair) {
  const TokenPairs out = tokens_of({pair_of("def f(x):\n    return ", "x + 1", "None")});
  ASSERT_EQ(out.pairs.size(), 1u);
  EXPECT_EQ(text_of(out.pairs[0].prompt), "def f(x):\n    return ");
  EXPECT_EQ(text_of(out.pairs[0].chosen), "x + 1");
  EXPECT_EQ(text_of(out.pairs[0].rejected), "None");
  EXPECT_EQ(out.pairs[0].prompt.size(), out.pairs[0].special.size());
}

TEST(Data, WhatIsLeftOutIsCounted) {
  schema::PreferencePair heldout = pair_of("a", "b", "c");
  heldout.split = "heldout";
  schema::PreferencePair weightless = pair_of("a", "b", "c");
  weightless.weight = 0;
  const TokenPairs out =
      tokens_of({heldout, weightless, pair_of("a", "same", "same"), pair_of("a", "", "b"),
                 pair_of("a", std::string(400, '('), "b"), pair_of("a", "b", "c")});
  EXPECT_EQ(out.heldout, 1u);
  EXPECT_EQ(out.weightless, 1u);
  EXPECT_EQ(out.alike, 2u);
  EXPECT_EQ(out.too_long, 1u);
  EXPECT_EQ(out.pairs.size(), 1u);
}

TEST(Data, WeightsAreRelativeToTheirMean) {
  schema::PreferencePair heavy = pair_of("a", "b", "c");
  heavy.weight = 3;
  const TokenPairs out = tokens_of({heavy, pair_of("a", "b", "c")});
  EXPECT_DOUBLE_EQ(out.pairs[0].weight, 1.5);
  EXPECT_DOUBLE_EQ(out.pairs[1].weight, 0.5);
}

TEST(Data, APromptIsCutFromTheLeftACompletionNever) {
  std::string prefix;
  for (int i = 0; i < 200; ++i) prefix += "line " + std::to_string(i) + "\n";
  const TokenPairs out = tokens_of({pair_of(prefix, "x + 1", "None")}, 40);
  ASSERT_EQ(out.pairs.size(), 1u);
  EXPECT_LE(out.pairs[0].prompt.size() + out.pairs[0].chosen.size(), 40u);
  EXPECT_TRUE(prefix.ends_with(text_of(out.pairs[0].prompt)));
  EXPECT_EQ(text_of(out.pairs[0].chosen), "x + 1");
}

TEST(Data, TheEndIsTaughtWhereTheTextBehindGoesOnInTheLine) {
  schema::PreferencePair inside = pair_of("f(", "x", "y");
  inside.suffix = ")\n";
  const TokenPairs out = tokens_of({inside});
  const TokenId end = tokenizer().encode_special(schema::fim_end_token(schema::FimFamily::kStrop));
  EXPECT_EQ(out.pairs.at(0).chosen.back(), end);
  EXPECT_EQ(out.pairs.at(0).rejected.back(), end);
}

struct LineEndCase {
  const char* name;
  schema::PreferencePair pair;
  std::string seen;  // another pair's prefix
  std::string chosen;
};

TEST(Data, ALineEndsWhereAnotherPrefixShowsIt) {
  const auto pair = pair_of("def f(x):\n    return ", "x + 1", "None");
  const std::vector<LineEndCase> cases{
      {"seen", pair, "def f(x):\n    return x + 1\n\n", "x + 1\n"},
      {"seen further up", pair, "a\ndef f(x):\n    return x + 1\nb = 2\n", "x + 1\n"},
      {"with carriage returns", pair, "def f(x):\r\n    return x + 1\r\n", "x + 1\n"},
      {"goes on in the line", pair, "def f(x):\n    return x + 1 + y\n", "x + 1"},
      {"not ended yet", pair, "def f(x):\n    return x + 1", "x + 1"},
      {"behind another line", pair, "def g(x):\n    return x + 1\n", "x + 1"},
      {"of two lines", pair_of("a\n", "b\nc", "d\ne"), "a\nb\nc\n", "b\nc\n"},
      {"the first line", pair_of("import ", "os", "re"), "import os\n", "os\n"},
      {"never seen", pair, "", "x + 1"},
  };
  for (const LineEndCase& one : cases) {
    const TokenPairs out = tokens_of({one.pair, pair_of(one.seen, "p", "q")});
    EXPECT_EQ(text_of(out.pairs.at(0).chosen), one.chosen) << one.name;
    EXPECT_EQ(text_of(out.pairs.at(0).rejected), one.pair.rejected) << one.name;
  }
}

TEST(Data, OtherRepositoriesAndHeldOutPrefixesShowNothing) {
  auto elsewhere = pair_of("def f(x):\n    return x + 1\n", "p", "q");
  elsewhere.repo = "another";
  auto heldout = pair_of("def f(x):\n    return x + 1\n", "p", "q");
  heldout.split = "heldout";
  const auto pair = pair_of("def f(x):\n    return ", "x + 1", "None");
  EXPECT_EQ(text_of(tokens_of({pair, elsewhere, heldout}).pairs.at(0).chosen), "x + 1");
}

TEST(Data, WhatIsNoPairIsSaidWithItsLine) {
  const TemporaryFolder folder;
  const std::string file = folder / "pairs.jsonl";
  const std::string good = schema::pair_to_json(pair_of("a", "b", "c")).dump();
  const std::vector<std::pair<std::string, std::string>> cases{
      {good + "\n\n{\"v\":1", ":3: "}, {"[]\n", ":1: "}, {good + "\n{\"v\":1}\n", ":2: "}};
  for (const auto& [text, place] : cases) {
    std::ofstream(file) << text;
    const auto pairs = read_pairs(file);
    ASSERT_FALSE(pairs) << text;
    EXPECT_THAT(pairs.error(), testing::HasSubstr(file + place));
    EXPECT_THAT(pairs.error(), testing::HasSubstr("Mend or remove that line"));
  }
  std::ofstream(file) << good + "\n\n" + good;
  EXPECT_EQ(read_pairs(file)->size(), 2u);
  EXPECT_THAT(read_pairs(folder / "none").error(), testing::HasSubstr("strop-collector export"));
}

}  // namespace
}  // namespace strop::trainer
