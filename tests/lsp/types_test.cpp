// The generated structures: what they read, what they refuse, and that they write what they read.
#include "lsp/types.h"

#include <gtest/gtest.h>

namespace strop::lsp {
namespace {

using nlohmann::json;

TEST(Types, AnItemThereAndBack) {
  const json value = {
      {"insertText", "x"},
      {"range",
       {{"start", {{"line", 1}, {"character", 2}}}, {"end", {{"line", 1}, {"character", 3}}}}},
      {"command", {{"title", ""}, {"command", "c"}, {"arguments", {1, "a"}}}}};
  const auto item = parse<InlineCompletionItem>(value);
  ASSERT_TRUE(item) << item.error();
  EXPECT_EQ(std::get<std::string>(item->insertText), "x");
  EXPECT_EQ(item->range->end.character, 3u);
  EXPECT_EQ(json(*item), value);
}

TEST(Types, AlternativesAreTakenByTheirShape) {
  const auto snippet =
      parse<InlineCompletionItem>({{"insertText", {{"kind", "snippet"}, {"value", "f($1)"}}}});
  ASSERT_TRUE(snippet) << snippet.error();
  EXPECT_EQ(std::get<StringValue>(snippet->insertText).value, "f($1)");

  const auto change =
      parse<DidChangeTextDocumentParams>({{"textDocument", {{"uri", "u"}, {"version", 1}}},
                                          {"contentChanges",
                                           {{{"text", "whole"}},
                                            {{"text", "part"},
                                             {"range",
                                              {{"start", {{"line", 0}, {"character", 0}}},
                                               {"end", {{"line", 0}, {"character", 0}}}}}}}}});
  ASSERT_TRUE(change) << change.error();
  EXPECT_EQ(change->contentChanges[0].index(), 1u);
  EXPECT_EQ(change->contentChanges[1].index(), 0u);
}

TEST(Types, NumbersSaturateAndNullIsAbsent) {
  EXPECT_EQ(parse<Position>({{"line", 1e308}, {"character", 1.0}})->character, 1u);
  EXPECT_EQ(parse<Position>({{"line", 1e308}, {"character", 0}})->line, 4294967295u);
  const auto item = parse<InlineCompletionItem>({{"insertText", "x"}, {"range", nullptr}});
  ASSERT_TRUE(item) << item.error();
  EXPECT_FALSE(item->range.has_value());
}

TEST(Types, WhatIsWrongIsNamedByItsPath) {
  struct Case {
    json value;
    const char* part;
  };
  const std::vector<Case> cases{
      {{{"insertText", "x"}, {"range", {{"start", {{"line", "1"}, {"character", 0}}}}}}, "range"},
      {json::array(), "object"},
      {{{"filterText", "x"}}, "insertText"},
      {{{"insertText", 7}}, "insertText"}};
  for (const Case& one : cases) {
    const auto item = parse<InlineCompletionItem>(one.value);
    ASSERT_FALSE(item) << one.value;
    EXPECT_NE(item.error().find(one.part), std::string::npos) << item.error();
  }
  EXPECT_FALSE(parse<Position>({{"line", -1}, {"character", 0}}));
  EXPECT_FALSE(parse<Position>({{"line", 1.5}, {"character", 0}}));
}

TEST(Types, UnknownNumbersOfAnEnumAreKept) {
  const auto item = parse<CompletionItem>({{"label", "x"}, {"kind", 99}});
  ASSERT_TRUE(item) << item.error();
  EXPECT_EQ(static_cast<std::uint32_t>(*item->kind), 99u);
}

}  // namespace
}  // namespace strop::lsp
