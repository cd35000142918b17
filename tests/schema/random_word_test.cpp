#include "schema/random_word.h"

#include <gtest/gtest.h>

#include <string>

namespace strop::schema {
namespace {

TEST(RandomWord, HasDigitsInTwoPlacesAndIsLong) {
  EXPECT_TRUE(has_random_word("a1bcd2ef"));
  EXPECT_TRUE(has_random_word("12_345_6"));
  EXPECT_TRUE(has_random_word("key = 'Zx9/q+0.d~#w'"));
  EXPECT_FALSE(has_random_word(""));
  EXPECT_FALSE(has_random_word("a1bc2ef"));                  // short
  EXPECT_FALSE(has_random_word("abcdefgh1234567"));          // one place
  EXPECT_FALSE(has_random_word("int32_t f(uint8_t, 64);"));  // several words
  EXPECT_FALSE(has_random_word("1a,2b;3c(4d)5e[6f]7g{8h}9i<0j>1k'2l\"3m`4n 5o\t6p\n7q\r8r\f"));
}

// Whatever stands before it and wherever it lies among the bytes that are taken at once.
TEST(RandomWord, IsFoundAtEveryPlace) {
  for (const std::string word : {"a1bcd2ef", "abcdef12-3", "9_______9"})
    for (std::size_t before = 0; before < 100; ++before)
      for (const char* behind : {"", " ", ") and 7 more words that are none"}) {
        const std::string text = std::string(before, 'x') + " 5 " + word + behind;
        EXPECT_TRUE(has_random_word(text)) << text;
      }
}

}  // namespace
}  // namespace strop::schema
