// /etc/strop/trainer.toml: every key is read, a slip of the pen is named.
#include "trainer/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace strop::trainer {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class SettingsFile : public testing::Test {
 protected:
  Settings read(const std::string& text) const {
    write_bytes(file_, text);
    return read_settings(file_);
  }
  std::string refusal(const std::string& text) const {
    try {
      read(text);
      return "";
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
  }
  TemporaryFolder folder_;
  std::string file_ = folder_ / "trainer.toml";
};

TEST_F(SettingsFile, EveryKeyIsReadAndPathsAreRelativeToIt) {
  const Settings got = read(R"(
base = "models/base"
threads = 3
device = "cuda:1"
precision = "bfloat16"
[serve]
bind = "0.0.0.0:8080"
token_file = "/secret/token"
behind_proxy = true
context = 200
threads = 2
adapter = "adapters/today"
cache_mib = 64
batch_mib = 512
)");
  EXPECT_EQ(got.base, folder_ / "models/base");
  EXPECT_EQ(got.threads, 3);
  EXPECT_EQ(got.device, "cuda:1");
  EXPECT_EQ(got.precision, Precision::kBfloat16);
  EXPECT_EQ(got.serve.bind, "0.0.0.0:8080");
  EXPECT_EQ(got.serve.token_file, "/secret/token");
  EXPECT_TRUE(got.serve.behind_proxy);
  EXPECT_EQ(got.serve.context, 200);
  EXPECT_EQ(got.serve.threads, 2);
  EXPECT_EQ(got.serve.adapter, folder_ / "adapters/today");
  EXPECT_EQ(got.serve.cache_mib, 64);
  EXPECT_EQ(got.serve.batch_mib, 512);
}

TEST_F(SettingsFile, AnEmptyOneLeavesTheDefaults) {
  const Settings got = read("");
  EXPECT_EQ(got.base, "");
  EXPECT_EQ(got.threads, 0);
  EXPECT_EQ(got.precision, Precision::kAuto);
  EXPECT_EQ(got.serve.bind, "127.0.0.1:8012");
  EXPECT_EQ(got.serve.token_file, "");
  EXPECT_FALSE(got.serve.behind_proxy);
  EXPECT_EQ(got.serve.context, 0);
  EXPECT_EQ(got.serve.threads, 1);
  EXPECT_EQ(got.serve.adapter, "");
  EXPECT_EQ(got.serve.cache_mib, 256);
  EXPECT_EQ(got.serve.batch_mib, 4096);
}

TEST_F(SettingsFile, WhatIsWrongIsNamedWithFileAndKeyAndWhatItMayBe) {
  struct Fault {
    const char* text;
    const char* key;
    const char* may_be;
  };
  const Fault kFaults[] = {
      {"bind = \"x\"", "unknown key 'bind'", "known: base, device, precision, serve, threads"},
      {"[serve]\nport = 1", "[serve]: unknown key 'port'", "token_file"},
      {"base = 3", "'base'", "a string"},
      {"threads = \"many\"", "'threads'", "a whole number"},
      {"threads = -1", "'threads'", "0 to 1024"},
      {"threads = 1025", "'threads'", "0 to 1024"},
      {"precision = \"half\"", "precision 'half'", "auto, float32, bfloat16"},
      {"serve = 3", "'serve'", "a table"},
      {"[serve]\nthreads = -1", "[serve]: 'threads'", "0 to 1024"},
      {"[serve]\ncache_mib = -1", "[serve]: 'cache_mib'", "0 to 1048576"},
      {"[serve]\nbatch_mib = 0", "[serve]: 'batch_mib'", "1 to 1048576"},
      {"[serve]\ncontext = -1", "[serve]: 'context'", "a number of tokens"},
      {"[serve]\nbehind_proxy = 1", "[serve]: 'behind_proxy'", "true or false"},
  };
  for (const Fault& fault : kFaults)
    EXPECT_THAT(refusal(fault.text),
                AllOf(HasSubstr(file_), HasSubstr(fault.key), HasSubstr(fault.may_be)))
        << fault.text;
}

TEST_F(SettingsFile, OneThatIsNamedMustBeThere) {
  EXPECT_THROW(read_settings(folder_ / "none.toml"), std::invalid_argument);
}

TEST(ModelFolder, AFlagWinsOverTheSettingsBase) {
  Settings settings;
  settings.base = "/base";
  EXPECT_EQ(model_folder("", settings), "/base");
  EXPECT_EQ(model_folder("flag", settings), "flag");
  try {
    model_folder("", {});
    FAIL() << "nothing was thrown";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("--model"), HasSubstr("/etc/strop/trainer.toml")));
  }
}

}  // namespace
}  // namespace strop::trainer
