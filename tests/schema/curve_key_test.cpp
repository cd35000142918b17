#include "schema/curve_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

namespace strop::schema {
namespace {

using testing::HasSubstr;

// Keys that ZeroMQ's own manual shows; nobody's.
const CurveKey kKey{"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
                    "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"};

TEST(CurveKey, APublicKeyNeverLooksLikeAFlag) {
  int drawn = 0;
  const CurveKey made = make_curve_key([&drawn] {
    CurveKey key = kKey;
    if (++drawn < 3) key.public_key.front() = '-';
    return key;
  });
  EXPECT_EQ(drawn, 3);
  EXPECT_EQ(made, kKey);
}

class CurveKeyFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "strop-key-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path write(const std::string& text, mode_t mode = 0600) {
    const auto file = folder_ / "key";
    std::ofstream(file) << text;
    EXPECT_EQ(::chmod(file.c_str(), mode), 0);
    return file;
  }
  std::filesystem::path folder_;
};

TEST_F(CurveKeyFile, WhatIsWrittenIsReadAndPrivate) {
  const auto file = folder_ / "key";
  ASSERT_TRUE(write_curve_key(file, kKey).has_value());
  struct stat facts {};
  ASSERT_EQ(::stat(file.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  EXPECT_EQ(read_curve_key(file).value(), kKey);
}

TEST_F(CurveKeyFile, IsNeverOverwritten) {
  const auto file = folder_ / "key";
  ASSERT_TRUE(write_curve_key(file, kKey).has_value());
  EXPECT_THAT(write_curve_key(file, {kKey.secret_key, kKey.public_key}).error(),
              HasSubstr("never overwritten"));
  EXPECT_EQ(read_curve_key(file).value(), kKey);
}

TEST_F(CurveKeyFile, OthersMustNotReadIt) {
  const std::string text = "public " + kKey.public_key + "\nsecret " + kKey.secret_key + "\n";
  EXPECT_TRUE(read_curve_key(write(text, 0400)).has_value());
  for (const mode_t mode : {0644U, 0640U, 0620U, 0604U})
    EXPECT_THAT(read_curve_key(write(text, mode)).error(), HasSubstr("chmod 600"));
}

TEST_F(CurveKeyFile, BadContents) {
  const std::string good = "public " + kKey.public_key + "\n";
  EXPECT_THAT(read_curve_key(write("")).error(), HasSubstr("is missing"));
  EXPECT_THAT(read_curve_key(write(good)).error(), HasSubstr("is missing"));
  EXPECT_THAT(read_curve_key(write(good + "secret abc\n")).error(), HasSubstr("40 characters"));
  EXPECT_THAT(read_curve_key(write(good + "secret\n")).error(), HasSubstr("40 characters"));
  EXPECT_THAT(read_curve_key(write("-----BEGIN PRIVATE KEY-----\n")).error(),
              HasSubstr("expected lines"));
  EXPECT_THAT(read_curve_key(folder_ / "none").error(), HasSubstr("No such file"));
  EXPECT_THAT(read_curve_key(folder_).error(), HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace strop::schema
