// The forms of a training file: what each is read as, what each method takes, and what is said of
// the rest.
#include "trainer/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_folder.h"
#include "trainer/data.h"

namespace strop::trainer {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Form = Record::Form;

const Tokenizer& tokenizer() {
  static const Tokenizer one = *Tokenizer::load(STROP_SOURCE_DIR "/models/strop-tiny");
  return one;
}
std::string text_of(const std::vector<TokenId>& tokens) { return tokenizer().decode(tokens, true); }

class Records : public testing::Test {
 protected:
  auto read(const std::string& text, Method method) const {
    write_bytes(file_, text);
    return read_records(file_, method);
  }
  Record one(const std::string& text, Method method) const {
    const auto all = read(text, method);
    if (!all) ADD_FAILURE() << all.error();
    return all ? all->at(0) : Record();
  }
  std::string refusal(const std::string& text, Method method) const {
    const auto all = read(text, method);
    return all ? "" : all.error();
  }

  TemporaryFolder folder_;
  std::string file_ = folder_ / "data.jsonl";
};

TEST_F(Records, StropsPairsAndExamples) {
  schema::UnpairedExample example;
  example.about.prefix = "a";
  example.about.suffix = "b";
  example.about.epsilon = 0.1;
  example.completion = "c";
  const Record read_example = one(schema::example_to_json(example).dump(), Method::kKto);
  EXPECT_EQ(read_example.form, Form::kStrop);
  EXPECT_FALSE(read_example.is_pair);
  EXPECT_FALSE(read_example.wanted);
  EXPECT_EQ(read_example.pair.chosen, "c");
  EXPECT_EQ(read_example.pair.suffix, "b");
  EXPECT_EQ(read_example.pair.epsilon, 0.1);

  schema::PreferencePair pair;
  pair.prefix = "a";
  pair.chosen = "b";
  pair.rejected = "c";
  for (const Method method : {Method::kDpo, Method::kSft}) {
    const Record read_pair = one(schema::pair_to_json(pair).dump(), method);
    EXPECT_EQ(read_pair.pair, pair);
    EXPECT_TRUE(read_pair.is_pair);
  }
}

TEST_F(Records, TrlsAndKtosForms) {
  const Record pair = one(
      R"({"prompt":"a","chosen":"b","rejected":"c","epsilon":0.2,"weight":3,"split":"heldout"})",
      Method::kDpo);
  EXPECT_EQ(pair.form, Form::kPrompt);
  EXPECT_EQ(pair.pair.prefix, "a");
  EXPECT_EQ(pair.pair.chosen, "b");
  EXPECT_EQ(pair.pair.rejected, "c");
  EXPECT_EQ(pair.pair.epsilon, 0.2);
  EXPECT_EQ(pair.pair.weight, 3);
  EXPECT_EQ(pair.pair.split, "heldout");

  const Record whole = one(R"({"prompt":"a","completion":"b"})", Method::kSft);
  EXPECT_FALSE(whole.is_pair);
  EXPECT_EQ(whole.pair.chosen, "b");
  EXPECT_EQ(one(R"({"text":"a"})", Method::kSft).form, Form::kText);

  const Record unwanted = one(R"({"prompt":"a","completion":"b","label":false})", Method::kKto);
  EXPECT_FALSE(unwanted.wanted);
  EXPECT_EQ(unwanted.form, Form::kPrompt);
  EXPECT_TRUE(one(R"({"prompt":"","completion":"b","label":true})", Method::kKto).wanted);
}

struct Wrong {
  Method method;
  const char* line;
  const char* says;
  const char* to_do;
};

TEST_F(Records, WhatIsWrongIsSaidWithItsLineAndWhatToDo) {
  const Wrong kWrong[] = {
      {Method::kDpo, "[]", "not a JSON object", "Mend or remove that line"},
      {Method::kDpo, R"({"prompt":"a")", "not a JSON object", "Mend or remove that line"},
      {Method::kDpo, R"({"a":1})", "none of the forms", "{prompt, chosen, rejected}"},
      {Method::kDpo, R"({"prompt":"a","chosen":"b"})", "field 'rejected' is missing", "Mend"},
      {Method::kDpo, R"({"prompt":"a","rejected":"b"})", "field 'chosen' is missing", "Mend"},
      {Method::kDpo, R"({"prompt":"a","chosen":"","rejected":"c"})", "'chosen' is empty", "Mend"},
      {Method::kDpo, R"({"prompt":"a","chosen":3,"rejected":"c"})",
       "'chosen' must be a string, not number", "Mend"},
      {Method::kDpo, R"({"chosen":"ab","rejected":"ac"})", "field 'prompt' is missing",
       "name it prompt"},
      {Method::kDpo, R"({"prompt":[{"role":"user","content":"a"}],"chosen":[],"rejected":[]})",
       "'prompt' is a list of messages", "chat template"},
      {Method::kSft, R"({"messages":[]})", "'messages' is a conversation", "chat template"},
      {Method::kDpo, R"({"prompt":"a","chosen":"b","rejected":"c","epsilon":0.5})",
       "'epsilon' must lie in [0, 0.5)", "Mend"},
      {Method::kDpo, R"({"prompt":"a","chosen":"b","rejected":"c","epsilon":"x"})",
       "'epsilon' must be a number, not string", "Mend"},
      {Method::kDpo, R"({"prompt":"a","chosen":"b","rejected":"c","weight":-1})",
       "'weight' must not be negative", "Mend"},
      {Method::kDpo, R"({"prompt":"a","chosen":"b","rejected":"c","split":"test"})",
       "'split' must be", "Mend"},
      {Method::kDpo, R"({"prompt":"a","completion":"b"})", "no pair of chosen and rejected",
       "Take sft"},
      {Method::kDpo, R"({"prompt":"a","completion":"b","label":true})", "an unpaired example",
       "Take kto"},
      {Method::kSft, R"({"prompt":"a","completion":"b","label":true})", "an unpaired example",
       "Take kto"},
      {Method::kSft, R"({"text":""})", "'text' is empty", "Mend"},
      {Method::kKto, R"({"prompt":"a","completion":"b"})", "'label' is missing", "take sft"},
      {Method::kKto, R"({"prompt":"a","completion":"b"})", "'label' is missing", "--unpaired"},
      {Method::kKto, R"({"prompt":"a","completion":"b","label":1})",
       "'label' must be true or false, not number", "Mend"},
      {Method::kKto, R"({"prompt":"a","chosen":"b","rejected":"c"})", "a pair, and kto", "dpo"},
      {Method::kKto, R"({"v":1,"prefix":"a","chosen":"b","rejected":"c"})", "a pair, and kto",
       "--unpaired"},
      {Method::kDpo, R"({"v":1,"prefix":"a","chosen":"b"})", "not a preference pair", "export"},
      {Method::kKto, R"({"v":1,"prefix":"a","label":true})", "not an unpaired example", "export"},
  };
  for (const Wrong& wrong : kWrong)
    EXPECT_THAT(refusal("\n" + std::string(wrong.line) + "\n", wrong.method),
                AllOf(HasSubstr(file_ + ":2: "), HasSubstr(wrong.says), HasSubstr(wrong.to_do)))
        << wrong.line;
  EXPECT_THAT(read_records(folder_ / "none", Method::kDpo).error(), HasSubstr("cannot read"));
}

TEST_F(Records, MeasuringReadsStropsPairsAlone) {
  write_bytes(file_, R"({"prompt":"a","chosen":"b","rejected":"c"})");
  EXPECT_THAT(read_pairs(file_).error(), HasSubstr("--format strop"));
}

// What is taken as it stands has its special tokens by their names, and ends.
TEST_F(Records, APromptThatStandsIsReadAsTheReferenceReadsText) {
  const auto end = std::string(schema::fim_end_token(schema::FimFamily::kStrop));
  const std::string prompt = schema::fim_prompt_text(schema::FimFamily::kStrop, "f(", ")\n");
  const nlohmann::json line{{"prompt", prompt}, {"chosen", "x"}, {"rejected", "y" + end}};
  const TokenPairs data =
      tokenize_records(tokenizer(), *read(line.dump(), Method::kDpo), {.context = 64});
  ASSERT_EQ(data.pairs.size(), 1U);
  const TokenPair& pair = data.pairs[0];
  EXPECT_EQ(text_of(pair.prompt), prompt);
  EXPECT_TRUE(pair.special.at(0));
  EXPECT_EQ(text_of(pair.chosen), "x" + end);
  EXPECT_EQ(text_of(pair.rejected), "y" + end);
  EXPECT_EQ(data.cut, 0U);
}

TEST_F(Records, ALongPromptLosesItsBeginningAndIsCounted) {
  std::string prompt;
  for (int i = 0; i < 200; ++i) prompt += "line " + std::to_string(i) + "\n";
  const nlohmann::json line{{"prompt", prompt}, {"completion", "x = 1"}, {"label", true}};
  const TokenPairs data =
      tokenize_records(tokenizer(), *read(line.dump(), Method::kKto), {.context = 40});
  EXPECT_EQ(data.cut, 1U);
  const TokenPair& example = data.pairs.at(0);
  EXPECT_EQ(example.prompt.size() + example.chosen.size(), 40U);
  EXPECT_TRUE(prompt.ends_with(text_of(example.prompt)));
}

TEST_F(Records, ACompletionMayTakeAllButThePromptsPlace) {
  const TokenPairs data = tokenize_records(
      tokenizer(),
      *read(nlohmann::json{{"prompt", ""}, {"completion", std::string(200, '(')}}.dump(),
            Method::kSft),
      {.context = 20});
  EXPECT_EQ(data.too_long, 1U);
  EXPECT_EQ(
      tokenize_records(tokenizer(), *read(R"j({"prompt":"","completion":"()"})j", Method::kSft),
                       {.context = 20})
          .pairs.at(0)
          .prompt.size(),
      1U);
}

TEST_F(Records, ATextIsLearntWholeAndCutAtItsEnd) {
  const std::string text = "def f(x):\n    return x + 1\n";
  const std::string line = nlohmann::json{{"text", text}}.dump();
  const auto end = std::string(schema::fim_end_token(schema::FimFamily::kStrop));
  for (const std::int64_t context : {64, 16}) {
    const TokenPairs data =
        tokenize_records(tokenizer(), *read(line, Method::kSft), {.context = context});
    const TokenPair& one = data.pairs.at(0);
    EXPECT_EQ(one.prompt.size(), 1U);
    const std::string whole = text_of(one.prompt) + text_of(one.chosen);
    EXPECT_TRUE((text + end).starts_with(whole));
    EXPECT_EQ(whole == text + end, data.cut == 0);
    EXPECT_LE(1 + one.chosen.size(), static_cast<std::size_t>(context));
  }
}

TEST_F(Records, HeldOutOnesAreTurnedToTokensWhereTheyAreToBeMeasured) {
  const std::string lines = R"({"prompt":"a","chosen":"b","rejected":"c"})"
                            "\n"
                            R"({"prompt":"a","chosen":"d","rejected":"e","split":"heldout"})";
  const auto records = *read(lines, Method::kDpo);
  const TokenPairs without = tokenize_records(tokenizer(), records, {.context = 64});
  EXPECT_EQ(without.heldout, 1U);
  EXPECT_TRUE(without.heldout_pairs.empty());
  const TokenPairs with =
      tokenize_records(tokenizer(), records, {.context = 64, .with_heldout = true});
  EXPECT_EQ(with.heldout, 1U);
  EXPECT_EQ(with.pairs.size(), 1U);
  EXPECT_TRUE(text_of(with.heldout_pairs.at(0).chosen).starts_with("d"));
}

}  // namespace
}  // namespace strop::trainer
