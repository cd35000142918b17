#include "schema/fim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strop::schema {
namespace {

TEST(Fim, ABlankSuffixGivesTheCausalPrompt) {
  EXPECT_EQ(fim_prompt(FimFamily::kQwen, "int x", "\n \t\n"),
            (std::vector<PromptPiece>{{"int x", false}}));
}

TEST(Fim, EachFamilyHasItsOwnOrderAndMarkers) {
  EXPECT_EQ(fim_prompt_text(FimFamily::kQwen, "P", "S"),
            "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>");
  EXPECT_EQ(fim_prompt_text(FimFamily::kStarCoder2, "P", "S"),
            "<fim_prefix>P<fim_suffix>S<fim_middle>");
  EXPECT_EQ(fim_prompt_text(FimFamily::kDeepSeek, "P", "S"),
            "<｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>");
  EXPECT_EQ(fim_prompt_text(FimFamily::kCodeLlama, "P", "S"), "<PRE> P <SUF>S <MID>");
  EXPECT_EQ(fim_prompt_text(FimFamily::kCodestral, "P", "S"), "[SUFFIX]S[PREFIX]P");
}

TEST(Fim, MarkersInTheTextStayText) {
  const auto pieces = fim_prompt(FimFamily::kQwen, "<|fim_prefix|>", "x");
  ASSERT_EQ(pieces.size(), 5u);
  EXPECT_EQ(pieces[1], (PromptPiece{"<|fim_prefix|>", false}));
}

TEST(Fim, UnknownNamesAreRefused) { EXPECT_EQ(fim_family("gpt5"), std::nullopt); }

}  // namespace
}  // namespace strop::schema
