// JSON by its text: what stands where, and that an edit leaves every other byte alone.
#include "agent/raw_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strop::agent {
namespace {

using testing::ElementsAre;

std::vector<std::string> values_of(std::string_view object) {
  std::vector<std::string> values;
  const auto members = json_members(object);
  for (std::size_t i = 0; members && i < members->size(); ++i)
    values.emplace_back((*members)[i].value);
  return values;
}

TEST(RawJson, OnlyAWholeWellFormedValueIsJson) {
  for (const char* good : {"1", "null", R"({"a":[]})", " [1 , 2]\n", R"("\u00e9")"})
    EXPECT_TRUE(is_json(good)) << good;
  for (const char* bad : {"", "{", R"({"a":1,})", "{} {}", "{'a':1}", "nul", "[1", "\"\xff\""})
    EXPECT_FALSE(is_json(bad)) << bad;
}

TEST(RawJson, ValuesStandAsTheyWereWritten) {
  EXPECT_THAT(values_of(R"( { "a" : 1.50e+1 , "b":"\u0041\/" ,"c": [ 1 , 2 ] , "d":{ } } )"),
              ElementsAre("1.50e+1", R"("\u0041\/")", "[ 1 , 2 ]", "{ }"));
}

TEST(RawJson, MembersAreKeyAndValueInOrder) {
  const auto members = json_members(R"({"z\n" : true, "a":null})");
  ASSERT_TRUE(members);
  ASSERT_EQ(members->size(), 2u);
  EXPECT_EQ((*members)[0].key, "z\n");
  EXPECT_EQ((*members)[0].text, R"("z\n" : true)");
  EXPECT_EQ((*members)[1].key, "a");
  EXPECT_EQ((*members)[1].text, R"("a":null)");
}

TEST(RawJson, ElementsAreInOrderWithoutTheSpaceAround) {
  const auto elements = json_elements("[ 1 , \"a\" , {\"b\": 2} , [ ] ]");
  ASSERT_TRUE(elements);
  EXPECT_THAT(*elements, ElementsAre("1", "\"a\"", "{\"b\": 2}", "[ ]"));
  EXPECT_THAT(json_elements("[]").value(), testing::IsEmpty());
}

TEST(RawJson, WhatIsNoObjectHasNoMembersAndWhatIsNoListNoElements) {
  for (const char* other : {"", "1", "\"{}\"", "[{}]", "null", "}"}) {
    EXPECT_FALSE(json_members(other)) << other;
    EXPECT_FALSE(json_at(other, "a")) << other;
  }
  for (const char* other : {"", "1", "\"[]\"", R"({"a":[]})", "null"})
    EXPECT_FALSE(json_elements(other)) << other;
}

TEST(RawJson, BrokenOnesGiveNothing) {
  for (const char* broken : {R"({"a":1,)", R"({"a")", R"({"a":[1})"})
    EXPECT_FALSE(json_members(broken)) << broken;
  for (const char* broken : {"[1,", "[1 2]", "[{"}) EXPECT_FALSE(json_elements(broken)) << broken;
}

TEST(RawJson, TheLastOfEqualKeysCounts) {
  EXPECT_EQ(json_at(R"({"a":1,"b":2,"a":3})", "a"), "3");
  EXPECT_EQ(json_at(R"({"\u0061":4})", "a"), "4");
  EXPECT_FALSE(json_at(R"({"b":{"a":1}})", "a"));
}

TEST(RawJson, ViewsPointIntoTheTextThatWasGiven) {
  const std::string text = R"({"a":{"b":"here"}})";
  const auto inner = json_at(*json_at(text, "a"), "b");
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->data() - text.data(), 10);
}

TEST(RawJson, StringsAreUnescapedAndOthersAreNothing) {
  EXPECT_EQ(json_string(R"("a\"\u00e9\n")"), "a\"\xC3\xA9\n");
  EXPECT_EQ(json_string(R"( "a" )"), "a");
  for (const char* other : {"1", "null", "[\"a\"]", "\"a", ""})
    EXPECT_FALSE(json_string(other)) << other;
}

TEST(RawJson, QuotingIsReversed) {
  EXPECT_EQ(json_quoted("a\"\\\n\x01"), R"("a\"\\\n\u0001")");
  EXPECT_EQ(json_string(json_quoted("\xC3\xA9\t\"")), "\xC3\xA9\t\"");
  EXPECT_TRUE(is_json(json_quoted("\xff\xfe")));  // no UTF-8, and still a message that can be read
}

TEST(JsonEditsTest, ReplaceAndAppendLeaveTheRest) {
  const std::string text = R"({ "a" : 1 , "list":[ 1 ], "none":[ ], "o":{} })";
  JsonEdits edits(text);
  edits.append(*json_at(text, "none"), "3");
  edits.replace(*json_at(text, "a"), "[]");
  edits.append(*json_at(text, "list"), "2");
  edits.append(*json_at(text, "o"), "\"x\":1");
  EXPECT_EQ(edits.apply(), R"({ "a" : [] , "list":[ 1 ,2], "none":[ 3], "o":{"x":1} })");
}

TEST(JsonEditsTest, SeveralAppendsToOneAreInOrder) {
  for (const auto& [before, after] : std::vector<std::pair<std::string, std::string>>{
           {"[]", "[1,2]"}, {"[0]", "[0,1,2]"}, {" [0] ", " [0,1,2] "}}) {
    JsonEdits edits(before);
    edits.append(before, "1");
    edits.append(before, "2");
    EXPECT_EQ(edits.apply(), after);
  }
}

TEST(JsonEditsTest, WithoutEditsItIsTheText) {
  EXPECT_EQ(JsonEdits(R"( {"a": 1} )").apply(), R"( {"a": 1} )");
}

}  // namespace
}  // namespace strop::agent
