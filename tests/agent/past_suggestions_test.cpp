// What is still known of suggestions that are no longer followed.
#include "agent/past_suggestions.h"

#include <gtest/gtest.h>

namespace strop::agent {
namespace {

schema::Event header(const std::string& suggestion) {
  schema::Event out;
  out.suggestion = suggestion;
  return out;
}

TEST(PastSuggestions, OfManyNamesTheLastAreKnown) {
  std::vector<PastSuggestions::Name> names;
  for (std::size_t i = 0; i <= PastSuggestions::kMaxNames; ++i)
    names.push_back(PastSuggestions::name_of(std::to_string(i)));
  PastSuggestions past(2);
  past.keep(header("s1"), names);
  EXPECT_EQ(past.by_name(names.front()), nullptr);
  for (std::size_t i = 1; i < names.size(); ++i) {
    ASSERT_NE(past.by_name(names[i]), nullptr) << i;
    EXPECT_EQ(past.by_name(names[i])->suggestion, "s1");
  }
}

TEST(PastSuggestions, TheOldestGoFirst) {
  PastSuggestions past(2);
  for (const char* id : {"s1", "s2", "s3"}) past.keep(header(id), {PastSuggestions::name_of(id)});
  EXPECT_EQ(past.by_id("s1"), nullptr);
  EXPECT_EQ(past.by_name(PastSuggestions::name_of("s1")), nullptr);
  ASSERT_NE(past.by_id("s3"), nullptr);
}

}  // namespace
}  // namespace strop::agent
