// The configuration: defaults, the user's file, the administrator's ceiling, the flags; and what is
// said about a mistake.
#include "agent/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "agent/provider/backend.h"
#include "support/temporary_folder.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    places_.ceiling = folder_ / "etc.toml";
    places_.home = folder_ / "home";
    places_.config_home = folder_ / "config";
    places_.state_home = folder_ / "state";
    fs::create_directories(places_.config_home / "strop");
  }

  fs::path user_file() const { return places_.config_home / "strop" / "agent.toml"; }
  void user(const std::string& text) const { std::ofstream(user_file()) << text; }
  void ceiling(const std::string& text) const { std::ofstream(places_.ceiling) << text; }

  Config load(const Flags& flags = {}) const {
    const auto config = load_config(places_, flags);
    EXPECT_TRUE(config) << config.error();
    return config.value_or(Config());
  }
  std::string mistake(const Flags& flags = {}) const {
    const auto config = load_config(places_, flags);
    return config ? "no mistake" : config.error();
  }

  support::TemporaryFolder folder_;
  Places places_;
};

TEST_F(ConfigTest, WithoutAFileThereAreDefaults) {
  Config defaults;
  defaults.state = places_.state_home / "strop";
  defaults.home = places_.home;
  defaults.config_home = places_.config_home;
  EXPECT_TRUE(load() == defaults);
  EXPECT_EQ(load().mode, Mode::kMetricsOnly);  // texts are for those who consent
}

TEST_F(ConfigTest, EveryKeyIsRead) {
  user(R"(
mode = "full"
[provider]
url = "http://127.0.0.1:1/v1"
key_file = "~/key"
model = "m"
name = "n"
fim = "qwen"
first = true
multiline = true
max_tokens = 7
candidates = 2
debounce_ms = 50
timeout_ms = 900
candidates_invoked = 4
temperature = 0.5
cache = 8
related_bytes = 2048
silence = "head"
silence_file = "~/silence.json"
silence_explore = 0.1
arms_by = "repository"
[[provider.arms]]
name = "a"
[[provider.arms]]
name = "b"
weight = 3
url = "http://127.0.0.1:2/infill"
key_file = "/k2"
model = "m2"
producer = "p"
fim = "strop"
max_tokens = 9
temperature = 1
timeout_ms = 10
silence_file = "/s2.json"
[collector]
endpoint = ["tcp://h:1", "tcp://i:1"]
server_key_file = "/s"
key_file = "~/k"
plain = true
[spool]
max_bytes = 2097152
max_age_days = 3
[privacy]
workspaces = ["~/a", "/b", "~"]
exclude = ["*.pem"]
)");
  Config expected;
  expected.mode = Mode::kFull;
  expected.provider = {
      "http://127.0.0.1:1/v1", places_.home / "key", "m", "n", "qwen", true, true, 7, 2, 50, 900};
  expected.provider.candidates_invoked = 4;
  expected.provider.temperature = 0.5;
  expected.provider.cache = 8;
  expected.provider.related_bytes = 2048;
  expected.provider.silence = Silence::kHead;
  expected.provider.silence_file = places_.home / "silence.json";
  expected.provider.silence_explore = 0.1;
  expected.provider.arms_by = "repository";
  expected.provider.arms.resize(2);
  expected.provider.arms[0].name = "a";
  expected.provider.arms[1] = {
      "b", 3, "http://127.0.0.1:2/infill", "/k2", "m2", "p", "strop", 9, 1, 10, "/s2.json"};
  expected.collector = {{"tcp://h:1", "tcp://i:1"}, "/s", places_.home / "k", true};
  expected.spool = {2097152, 3};
  expected.privacy = {{(places_.home / "a").string(), "/b", places_.home.string()}, {"*.pem"}};
  expected.state = places_.state_home / "strop";
  expected.home = places_.home;
  expected.config_home = places_.config_home;
  EXPECT_TRUE(load() == expected);
}

TEST_F(ConfigTest, FlagsWinOverTheFile) {
  user("mode = \"full\"\n[provider]\nurl = \"http://localhost:1\"\n");
  Flags flags;
  flags.mode = Mode::kOff;
  flags.provider_url = "http://localhost:2";
  flags.provider_first = true;
  const Config config = load(flags);
  EXPECT_EQ(config.mode, Mode::kOff);
  EXPECT_EQ(config.provider.url, "http://localhost:2");
  EXPECT_TRUE(config.provider.first);
}

TEST_F(ConfigTest, ASilentFlagLeavesWhatTheFileSays) {
  user("[provider]\nfirst = true\n");
  EXPECT_TRUE(load().provider.first);
}

TEST_F(ConfigTest, NoModeIsAboveTheCeiling) {
  Flags full;
  full.mode = Mode::kFull;
  user("mode = \"full\"\n");
  for (const auto& [word, mode] : std::vector<std::pair<std::string, Mode>>{
           {"off", Mode::kOff}, {"metrics-only", Mode::kMetricsOnly}, {"full", Mode::kFull}}) {
    ceiling("mode = \"" + word + "\"\n");
    EXPECT_EQ(load().mode, mode);
    EXPECT_EQ(load(full).mode, mode);
  }
}

TEST_F(ConfigTest, TheCeilingForbidsAndDoesNotAgreeForOthers) {
  ceiling("mode = \"full\"\n[privacy]\nworkspaces = [\"/all\"]\nexclude = [\"*.key\"]\n");
  user("[privacy]\nexclude = [\"*.pem\"]\n");
  const Config config = load();
  EXPECT_EQ(config.mode, Mode::kMetricsOnly);
  EXPECT_THAT(config.privacy.workspaces, IsEmpty());
  EXPECT_THAT(config.privacy.exclude, ElementsAre("*.pem", "*.key"));
}

TEST_F(ConfigTest, WhereEventsGoIsTheCeilingsToSay) {
  ceiling("[collector]\nendpoint = \"tcp://team:1\"\n[spool]\nmax_age_days = 5\n");
  user(
      "[collector]\nendpoint = \"tcp://other:1\"\nkey_file = \"/mine\"\n"
      "[spool]\nmax_age_days = 50\nmax_bytes = 1048576\n");
  const Config config = load();
  EXPECT_THAT(config.collector.endpoints, ElementsAre("tcp://team:1"));
  EXPECT_EQ(config.collector.key_file, "/mine");
  EXPECT_EQ(config.spool.max_age_days, 5);
  EXPECT_EQ(config.spool.max_bytes, 1048576u);
}

TEST_F(ConfigTest, TheCeilingsProviderIsADefault) {
  ceiling("[provider]\nurl = \"http://localhost:1\"\nmodel = \"team\"\n");
  user("[provider]\nmodel = \"mine\"\n");
  EXPECT_EQ(load().provider.url, "http://localhost:1");
  EXPECT_EQ(load().provider.model, "mine");
}

TEST_F(ConfigTest, ANamedFileStandsInTheUsersPlace) {
  user("mode = \"full\"\n");
  Flags flags;
  flags.config = folder_ / "named.toml";
  std::ofstream(*flags.config) << "mode = \"off\"\n";
  EXPECT_EQ(load(flags).mode, Mode::kOff);
}

TEST_F(ConfigTest, ANamedFileThatDoesNotExistIsAnError) {
  Flags flags;
  flags.config = folder_ / "nowhere.toml";
  EXPECT_THAT(mistake(flags), AllOf(HasSubstr("nowhere.toml"), HasSubstr("does not exist")));
}

TEST_F(ConfigTest, BadTomlIsNamedByFileAndLine) {
  user("mode = \"full\"\n\n[provider\n");
  EXPECT_THAT(mistake(), AllOf(HasSubstr(user_file().string()), HasSubstr("line 3")));
}

TEST_F(ConfigTest, AMistakeInTheCeilingIsOneToo) {
  ceiling("mode = \"ful\"\n");
  EXPECT_THAT(mistake(), AllOf(HasSubstr(places_.ceiling.string()), HasSubstr("'mode'")));
}

struct Mistake {
  std::string text;
  std::vector<std::string> said;
};

TEST_F(ConfigTest, AMistakeIsNamedByFileAndKeyWithWhatIsAllowed) {
  const std::vector<Mistake> mistakes{
      {"moed = \"full\"", {"unknown key 'moed' in line 1", "mode", "[provider]"}},
      {"[provider]\nurll = \"x\"", {"unknown key 'provider.urll' in line 2", "url", "timeout_ms"}},
      {"[collector]\nplain = true\nmode = \"full\"",
       {"unknown key 'collector.mode' in line 3", "mode belongs at the top, before any [table]"}},
      {"[spool]\nmax_age_days = 1\n[spool]\nmax_age_days = 2",
       {"redefine existing table", "in line 3", "bring its lines together"}},
      {"[colector]\nendpoint = \"x\"", {"unknown key 'colector'", "[collector]"}},
      {"provider = 1", {"'provider' in line 1 must be a table", "[provider]"}},
      {"mode = 2", {"'mode' in line 1 must be", "\"metrics-only\""}},
      {"[mode]\nx = 1", {"'mode' in line 1 must be"}},
      {"[provider]\nfim = \"gpt\"", {"'provider.fim'", "\"server\"", "qwen"}},
      {"[provider]\nfirst = \"yes\"", {"'provider.first' in line 2 must be true or false"}},
      {"[provider]\nmax_tokens = 0", {"'provider.max_tokens'", "from 1 to 4096"}},
      {"[provider]\nmax_tokens = 4097", {"'provider.max_tokens'", "from 1 to 4096"}},
      {"[provider]\nmax_tokens = 1.5", {"'provider.max_tokens'", "a whole number"}},
      {"[provider]\ncandidates = 17", {"'provider.candidates'", "from 1 to 16"}},
      {"[provider]\ntimeout_ms = 0", {"'provider.timeout_ms'", "from 1 to"}},
      {"[provider]\ndebounce_ms = -1", {"'provider.debounce_ms'", "from 0 to"}},
      {"[provider]\ntemperature = 2.5", {"'provider.temperature'", "from 0 to 2"}},
      {"[provider]\ntemperature = \"hot\"", {"'provider.temperature'", "from 0 to 2"}},
      {"[provider]\ncache = -1", {"'provider.cache'", "from 0 to 1024"}},
      {"[provider]\nsilence = \"loud\"", {"'provider.silence'", "\"threshold\"", "\"head\""}},
      {"[provider]\nsilence_explore = 1.1", {"'provider.silence_explore'", "from 0 to 1"}},
      {"[provider]\narms_by = \"file\"", {"'provider.arms_by'", "\"repository\""}},
      {"[provider]\narms = \"a\"", {"'provider.arms' in line 2 must be tables"}},
      {"[provider]\narms = [1]", {"'provider.arms'", "[[provider.arms]]"}},
      {"[[provider.arms]]\nweight = 1", {"'provider.arms' in line 1", "a name of its own"}},
      {"[[provider.arms]]\nname = \"a\"\n[[provider.arms]]\nname = \"a\"",
       {"'provider.arms' in line 3", "a name of its own"}},
      {"[[provider.arms]]\nname = \"a\"\nweight = 0", {"'provider.arms.weight' in line 3"}},
      {"[[provider.arms]]\nnaem = \"a\"", {"unknown key 'provider.arms.naem'", "name, producer"}},
      {"[spool]\nmax_bytes = 1", {"'spool.max_bytes'", "from 1048576"}},
      {"[collector]\nkey_file = 1", {"'collector.key_file'", "a path"}},
      {"[privacy]\nexclude = \"*.pem\"", {"'privacy.exclude'", "a list of texts"}},
      {"[privacy]\nexclude = [1]", {"'privacy.exclude'", "a list of texts"}},
  };
  for (const Mistake& that : mistakes) {
    user(that.text);
    EXPECT_THAT(mistake(), HasSubstr(user_file().string())) << that.text;
    for (const std::string& said : that.said) EXPECT_THAT(mistake(), HasSubstr(said)) << that.text;
  }
}

TEST_F(ConfigTest, WhatBelongsTogetherIsAskedForTogether) {
  user("[[provider.arms]]\nname = \"a\"\n");
  EXPECT_THAT(mistake(), HasSubstr("provider.arms need provider.url"));
  Flags flags;
  flags.provider_url = "http://localhost:1";
  EXPECT_EQ(mistake(flags), "no mistake");
  user("[provider]\nsilence = \"threshold\"\n");
  EXPECT_THAT(mistake(), HasSubstr("provider.silence needs provider.silence_file"));
}

TEST_F(ConfigTest, AUsersArmsStandInThePlaceOfTheCeilings) {
  ceiling("[provider]\nurl = \"http://localhost:1\"\n[[provider.arms]]\nname = \"team\"\n");
  EXPECT_EQ(load().provider.arms.at(0).name, "team");
  user("[[provider.arms]]\nname = \"mine\"\n");
  ASSERT_EQ(load().provider.arms.size(), 1U);
  EXPECT_EQ(load().provider.arms[0].name, "mine");
}

// A key is read from a file that nobody else may read, and else not at all.
TEST_F(ConfigTest, AKeyComesFromAFileOfTheUserAlone) {
  ProviderConfig provider;
  provider.url = "https://models.example/v1";
  provider.key_file = folder_ / "key";
  std::ofstream(provider.key_file) << "s3cret\n";

  fs::permissions(provider.key_file, fs::perms(0600));
  const auto good = make_backends(provider);
  ASSERT_TRUE(good) << good.error();
  EXPECT_EQ(good->front().key, "s3cret");

  for (const unsigned mode : {0640u, 0604u, 0660u, 0610u}) {
    fs::permissions(provider.key_file, fs::perms(mode));
    const auto refused = make_backends(provider);
    ASSERT_FALSE(refused) << mode;
    EXPECT_THAT(refused.error(), AllOf(HasSubstr(provider.key_file.string()),
                                       HasSubstr("chmod 600"), Not(HasSubstr("s3cret"))));
  }
}

TEST_F(ConfigTest, AKeyFileThatHoldsNoneIsRefused) {
  ProviderConfig provider;
  provider.url = "https://models.example/v1";
  provider.key_file = folder_ / "key";
  EXPECT_THAT(make_backends(provider).error(), HasSubstr("cannot be read"));
  for (const char* text : {"", "\n", "two words\n", "na\xC3\xAFve\n"}) {
    std::ofstream(provider.key_file) << text;
    fs::permissions(provider.key_file, fs::perms(0600));
    EXPECT_THAT(make_backends(provider).error(), HasSubstr("first line must be the key")) << text;
  }
  provider.key_file = folder_.path();
  EXPECT_FALSE(make_backends(provider));
}

// Restores one variable of the environment.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
  }
  ~Environment() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST(PlacesTest, AreTheHomesFoldersOrTheXdgOnes) {
  const Environment home("HOME", "/h");
  const Environment config("XDG_CONFIG_HOME", nullptr);
  const Environment state("XDG_STATE_HOME", "/s");
  const auto places = places_from_environment();
  ASSERT_TRUE(places);
  EXPECT_EQ(places->ceiling, "/etc/strop/agent.toml");
  EXPECT_EQ(places->config_home, "/h/.config");
  EXPECT_EQ(places->state_home, "/s");
  const Environment relative("XDG_STATE_HOME", "here");
  EXPECT_EQ(places_from_environment()->state_home, "/h/.local/state");
}

TEST(PlacesTest, WithoutAHomeThereAreNone) {
  const Environment home("HOME", nullptr);
  const auto places = places_from_environment();
  ASSERT_FALSE(places);
  EXPECT_THAT(places.error(), HasSubstr("HOME is not set"));
}

}  // namespace
}  // namespace strop::agent
