// Tokenizers of each family's pipeline give the reference's ids (golden/make_tokenizers.py), and
// decode gives the text back.
#include "trainer/tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "trainer/tokenizer/prompt.h"

namespace strop::trainer {
namespace {

using nlohmann::json;
using schema::FimFamily;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

const std::string kGolden = std::string(STROP_TESTS_DIR) + "/trainer/golden/tokenizers/";

json read_golden(const std::string& name) { return json::parse(std::ifstream(kGolden + name)); }

Tokenizer golden_tokenizer(const std::string& name) {
  auto tokenizer = Tokenizer::load(kGolden + name + ".json");
  if (!tokenizer) throw std::runtime_error(tokenizer.error());
  return std::move(*tokenizer);
}

class GoldenTokenizer : public testing::TestWithParam<const char*> {};

TEST_P(GoldenTokenizer, GivesTheReferencesIdsAndTextBack) {
  const Tokenizer tokenizer = golden_tokenizer(GetParam());
  const json texts = read_golden("texts.json");
  const json golden = read_golden(GetParam() + std::string(".ids.json"));
  EXPECT_EQ(json(tokenizer.start_ids()), golden["start"]);
  ASSERT_EQ(texts.size(), golden["ids"].size());
  ASSERT_GT(texts.size(), 150U);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string text = texts[i];
    const std::vector<TokenId> wanted = golden["ids"][i];
    EXPECT_EQ(tokenizer.encode_with_added(text), wanted) << "text " << i << ": " << texts[i];
    EXPECT_EQ(tokenizer.decode(wanted, true), golden["decoded"].value(std::to_string(i), text))
        << "text " << i;
  }
}

TEST_P(GoldenTokenizer, GivesTheSameOnesAgainFromItsCache) {
  const Tokenizer tokenizer = golden_tokenizer(GetParam());
  for (const std::string text : read_golden("texts.json")) {
    const auto first = tokenizer.encode(text);
    EXPECT_EQ(tokenizer.encode(text), first);
    EXPECT_EQ(Tokenizer(tokenizer).encode(text), first);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, GoldenTokenizer,
                         testing::Values("qwen", "llama3", "starcoder2", "deepseek", "deepseek2",
                                         "mistral", "gpt2", "parts"),
                         [](const auto& one) { return std::string(one.param); });

TEST(Tokenizer, AnyBytesEncodeAndComeBack) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  const std::string surrogate = "\xED\xA0\x80";
  const std::string overlong = "\xC0\xAF \xE0\x80\xAF";
  const std::string beyond = "\xF4\x90\x80\x80";
  for (const char* family : {"llama3", "starcoder2", "deepseek", "deepseek2", "mistral"}) {
    const Tokenizer tokenizer = golden_tokenizer(family);
    for (const std::string& text : {every, surrogate, overlong, beyond, std::string("cut \xE4\xB8"),
                                    std::string(3, '\0') + "x"})
      EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text) << family;
  }
}

TEST(Tokenizer, TextThatSpellsASpecialTokenStaysText) {
  for (const auto& [family, fim, name] : {std::tuple{"qwen", FimFamily::kQwen, "<|fim_prefix|>"},
                                          {"starcoder2", FimFamily::kStarCoder2, "<fim_suffix>"},
                                          {"deepseek", FimFamily::kDeepSeek, "<｜fim▁hole｜>"},
                                          {"mistral", FimFamily::kCodestral, "[SUFFIX]"}}) {
    const Tokenizer tokenizer = golden_tokenizer(family);
    const TokenId id = tokenizer.encode_special(name);
    const std::string text = std::string("a") + name + "b";
    EXPECT_THAT(tokenizer.encode(text), Not(Contains(id))) << family;
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text) << family;
    EXPECT_THAT(tokenizer.encode_with_added(text), Contains(id)) << family;
    EXPECT_THAT(tokenizer.encode(schema::fim_prompt(fim, text, "z")), Contains(id).Times(1))
        << family;
  }
}

TEST(Tokenizer, DecodeLeavesSpecialTokensOutUnlessAskedFor) {
  const Tokenizer tokenizer = golden_tokenizer("llama3");
  std::vector<TokenId> ids = tokenizer.encode("x");
  ids.push_back(tokenizer.encode_special("<|end_of_text|>"));
  EXPECT_EQ(tokenizer.decode(ids), "x");
  EXPECT_EQ(tokenizer.decode(ids, true), "x<|end_of_text|>");
  const std::vector<TokenId> beyond{-1, 1 << 30};
  EXPECT_EQ(tokenizer.decode(beyond), "");
}

// DeepSeek-Coder's vocabulary has none for the bytes that no UTF-8 has.
TEST(Tokenizer, AVocabularyWithoutImpossibleBytesReplacesThem) {
  json file = json::parse(std::ifstream(kGolden + "llama3.json"));
  for (const char* byte : {"À", "Á", "õ", "ö", "÷", "ø", "ù", "ú", "û", "ü", "ý", "þ", "ÿ"})
    ASSERT_EQ(file["model"]["vocab"].erase(byte), 1U) << byte;
  const auto tokenizer = Tokenizer::from_json(file);
  ASSERT_TRUE(tokenizer) << tokenizer.error();
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("õ\xF5\xC3(\xFF")),
            "õ\xEF\xBF\xBD\xC3(\xEF\xBF\xBD");
}

TEST(Tokenizer, APromptKeepsWhatIsNextToTheCursor) {
  const Tokenizer tokenizer = golden_tokenizer("starcoder2");
  std::string prefix;
  std::string suffix;
  for (int i = 0; i < 200; ++i) {
    prefix += "before_" + std::to_string(i) + "\n";
    suffix += "after_" + std::to_string(i) + "\n";
  }
  const auto before = tokenizer.encode(prefix);
  const auto after = tokenizer.encode(suffix);
  const auto prompt = fit_prompt(tokenizer, FimFamily::kStarCoder2, prefix, suffix, 103);
  std::vector<TokenId> wanted{tokenizer.encode_special("<fim_prefix>")};
  wanted.insert(wanted.end(), before.end() - 75, before.end());
  wanted.push_back(tokenizer.encode_special("<fim_suffix>"));
  wanted.insert(wanted.end(), after.begin(), after.begin() + 25);
  wanted.push_back(tokenizer.encode_special("<fim_middle>"));
  EXPECT_EQ(prompt, wanted);
  EXPECT_THROW(fit_prompt(tokenizer, FimFamily::kStarCoder2, prefix, suffix, 3),
               std::invalid_argument);
  EXPECT_THROW(fit_prompt(tokenizer, FimFamily::kCodeLlama, "a", "b", 100), std::invalid_argument);
}

TEST(Tokenizer, AnEmptyFilesPromptIsTheFamilysEnd) {
  const Tokenizer tokenizer = golden_tokenizer("starcoder2");
  EXPECT_THAT(fit_prompt(tokenizer, FimFamily::kStarCoder2, "", "", 10),
              ElementsAre(tokenizer.encode_special("<|endoftext|>")));
  EXPECT_THAT(fit_tokens({1, 2, 3}, 2), ElementsAre(2, 3));
}

}  // namespace
}  // namespace strop::trainer
