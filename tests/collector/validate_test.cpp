#include "collector/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strop::collector {
namespace {

using schema::RejectCode;
using testing::HasSubstr;

tl::expected<std::size_t, std::string> nothing(nlohmann::json&) { return 0; }

const std::string kShown =
    R"({"v":1,"type":"shown","suggestion":"s","t_ms":5.5,"source":"inline","presence":"rendered","new_field":1})";
const std::string kGap =
    R"({"v":1,"type":"gap","t_ms":1,"source":"edit","seq":[10,12],"reason":"forgotten"})";

Entry entry_of(std::string payload, std::uint32_t span = 1, std::uint64_t seq = 10) {
  return validate({span, std::move(payload)}, seq, nothing).entry;
}

TEST(Validate, AnEventIsKeptAsItCame) {
  const Entry entry = entry_of(kShown);
  EXPECT_FALSE(entry.rejected.has_value());
  EXPECT_EQ(entry.payload, kShown);  // fields of a later version too
  EXPECT_EQ(entry.type, "shown");
  EXPECT_EQ(entry.suggestion, "s");
  EXPECT_EQ(entry.t_ms, 5.5);
  EXPECT_FALSE(entry.gap);
}

TEST(Validate, BadRecordsGetTheirCode) {
  std::string deep(17, '[');
  deep += std::string(17, ']');
  std::string large = R"({"v":1,"x":")" + std::string(schema::kMaxRecordBytes, 'x') + "\"}";
  struct {
    std::string payload;
    std::uint32_t span;
    RejectCode code;
  } const table[] = {
      {"", 1, RejectCode::kBadJson},
      {"{", 1, RejectCode::kBadJson},
      {kShown + "x", 1, RejectCode::kBadJson},
      {std::string("{\"a\":\"\xff\"}"), 1, RejectCode::kBadUtf8},
      {"\xed\xa0\x80", 1, RejectCode::kBadUtf8},  // half a surrogate pair
      {deep, 1, RejectCode::kTooDeep},
      {std::string(100000, '[') + std::string(100000, ']'), 1, RejectCode::kTooDeep},
      {std::string(100000, '['), 1, RejectCode::kBadJson},
      {large, 1, RejectCode::kTooLarge},
      {"[]", 1, RejectCode::kBadEvent},
      {"null", 1, RejectCode::kBadEvent},
      {R"({"v":2,"type":"shown"})", 1, RejectCode::kBadEvent},
      {R"({"v":1,"type":"new","t_ms":1,"source":"inline"})", 1, RejectCode::kBadEvent},
      {kShown, 2, RejectCode::kBadSpan},
      {kGap, 1, RejectCode::kBadSpan},
      {kGap, 4, RejectCode::kBadSpan},
  };
  for (const auto& row : table) {
    const Entry entry = entry_of(row.payload, row.span);
    EXPECT_EQ(entry.rejected, row.code) << row.payload.substr(0, 60);
    EXPECT_NE(entry.reason, "");
  }
}

TEST(Validate, AGapStandsForExactlyItsNumbers) {
  const Entry entry = entry_of(kGap, 3);
  EXPECT_FALSE(entry.rejected.has_value()) << entry.reason;
  EXPECT_TRUE(entry.gap);
  EXPECT_EQ(entry_of(kGap, 3, 11).rejected, RejectCode::kBadSpan);
  EXPECT_EQ(entry_of(R"({"v":1,"type":"gap","t_ms":1,"source":"edit","seq":[10,9]})", 0).rejected,
            RejectCode::kBadSpan);
}

TEST(Validate, SecretsGoBeforeAnythingIsKept) {
  auto scrub = [](nlohmann::json& event) -> tl::expected<std::size_t, std::string> {
    event["suggestion"] = "clean";
    return 1;
  };
  const Validated validated = validate({1, kShown}, 10, scrub);
  EXPECT_EQ(validated.secrets, 1U);
  EXPECT_EQ(validated.entry.suggestion, "clean");
  EXPECT_THAT(validated.entry.payload, HasSubstr("clean"));
  EXPECT_EQ(validated.entry.hash, entry_of(kShown).hash);  // of what came: sent again, it is known
}

TEST(Validate, WhatCannotBeScrubbedIsNotKept) {
  auto scrub = [](nlohmann::json&) -> tl::expected<std::size_t, std::string> {
    return tl::unexpected(std::string("no time"));
  };
  const Entry entry = validate({1, kShown}, 10, scrub).entry;
  EXPECT_EQ(entry.rejected, RejectCode::kScrubFailed);
  EXPECT_EQ(entry.reason, "no time");
  EXPECT_EQ(entry.payload, "");
}

TEST(Validate, TheHashTellsContentsAndSpansApart) {
  EXPECT_EQ(entry_of("a").hash, entry_of("a").hash);
  EXPECT_NE(entry_of("a").hash, entry_of("b").hash);
  EXPECT_NE(entry_of("a", 1).hash, entry_of("a", 2).hash);
}

}  // namespace
}  // namespace strop::collector
