// Texts as values, as nlohmann's own reader has them, and what is none.
#include "collector/read_json.h"

#include <gtest/gtest.h>

namespace strop::collector {
namespace {

using nlohmann::json;
using schema::RejectCode;

TEST(ReadJson, GivesWhatTheValuesOwnReaderGives) {
  for (const char* text :
       {"null", "true", "false", "0", "-1", "1.5", "-0.0", "1e3", "9223372036854775807",
        "-9223372036854775808", "18446744073709551615", R"("")", R"("a\u00e9\n\u0000\"é")", "[]",
        "{}", R"( { "b" : [1, -2, {"c": null}], "a": "x" } )", R"({"a":1,"a":2})"}) {
    const auto read = read_json(text);
    ASSERT_TRUE(read.has_value()) << text;
    EXPECT_EQ(*read, json::parse(text)) << text;
    EXPECT_EQ(read->dump(), json::parse(text).dump()) << text;
    EXPECT_EQ(read->type(), json::parse(text).type()) << text;
  }
}

TEST(ReadJson, SaysWhatIsWrong) {
  const struct {
    std::string text;
    RejectCode code;
  } table[] = {{"", RejectCode::kBadJson},
               {"{", RejectCode::kBadJson},
               {"1 2", RejectCode::kBadJson},
               {"{\"a\":}", RejectCode::kBadJson},
               {R"("\ud800")", RejectCode::kBadJson},
               {"1e999", RejectCode::kBadJson},
               {"\"\xff\"", RejectCode::kBadUtf8},
               {"\"\xed\xa0\x80\"", RejectCode::kBadUtf8}};
  for (const auto& row : table) {
    const auto read = read_json(row.text);
    ASSERT_FALSE(read.has_value()) << row.text;
    EXPECT_EQ(read.error(), row.code) << row.text;
  }
}

TEST(ReadJson, NestsAsDeepAsRecordsMay) {
  const auto nested = [](int depth, const std::string& within) {
    const auto count = static_cast<std::size_t>(depth);
    return std::string(count, '[') + within + std::string(count, ']');
  };
  for (const char* within : {"", "1", R"("[[[[")"}) {
    EXPECT_TRUE(read_json(nested(kMaxJsonDepth, within)).has_value()) << within;
    const auto deeper = read_json(nested(kMaxJsonDepth + 1, within));
    ASSERT_FALSE(deeper.has_value()) << within;
    EXPECT_EQ(deeper.error(), RejectCode::kTooDeep) << within;
  }
}

}  // namespace
}  // namespace strop::collector
