// The privacy gate: what leaves, by which rule, and that nothing else does.
#include "agent/privacy/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/inspector.h"
#include "agent/log.h"
#include "gate_fixture.h"

namespace strop::agent::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(GateTest, AConsentedWorkspaceIsCapturedInFull) {
  const GateResult result = gate().pass(event(work() / "a.cpp", kPrivate));
  EXPECT_THAT(result.rule, StartsWith("consent:"));
  EXPECT_THAT(result.bytes, HasSubstr(kPrivate));
  EXPECT_TRUE(schema::event_from_json(json::parse(result.bytes)));
}

TEST_F(GateTest, NoSecretLeavesInAnyField) {
  const std::string text = "key = \"" + kSecret + "\"";
  gate();
  for (const schema::Event& one : every_kind(work() / "a.cpp", text)) {
    const GateResult result = gate_->pass(one);
    EXPECT_THAT(result.bytes, Not(HasSubstr(kSecret)));
    EXPECT_THAT(result.bytes, HasSubstr("REDACTED"));
  }
}

TEST_F(GateTest, WithoutConsentOnlyCountsLeave) {
  gate();
  for (const schema::Event& one : every_kind(folder_.path() / "other/a.cpp", kPrivate)) {
    const GateResult result = gate_->pass(one);
    EXPECT_FALSE(result.suppressed);
    EXPECT_EQ(result.rule, "no_consent");
    EXPECT_THAT(result.bytes, Not(HasSubstr(kPrivate)));
    EXPECT_THAT(result.bytes, Not(HasSubstr("other")));
    EXPECT_TRUE(schema::event_from_json(json::parse(result.bytes)));
  }
}

TEST_F(GateTest, MetricsOnlyKeepsLengths) {
  gate(Mode::kMetricsOnly);
  const json offered = json::parse(gate_->pass(event(work() / "a.cpp", kPrivate)).bytes);
  EXPECT_EQ(offered["candidates"][0]["text"], "");
  EXPECT_EQ(offered["candidates"][0]["chars"], std::string(kPrivate).size());
  EXPECT_THAT(offered["uri"].get<std::string>(), StartsWith("strop:"));
  const auto events = every_kind(work() / "a.cpp", kPrivate);
  EXPECT_EQ(json::parse(gate_->pass(events[1]).bytes)["accepted_chars"], 7);
  EXPECT_EQ(json::parse(gate_->pass(events[2]).bytes)["kept_chars"], 7);
}

TEST_F(GateTest, OneFileHasOnePseudonymAlsoAfterARestart) {
  const auto name = [this](const char* file) {
    return json::parse(gate(Mode::kMetricsOnly).pass(event(work() / file, "x")).bytes)["uri"];
  };
  EXPECT_EQ(name("a.cpp"), name("a.cpp"));
  EXPECT_NE(name("a.cpp"), name("b.cpp"));
  EXPECT_EQ(fs::status(state() / "pseudonym.key").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(GateTest, ABufferThatIsNoFileIsCountedAndGetsNoCompletion) {
  schema::Event unnamed = event("", kPrivate);
  unnamed.uri = "untitled:Untitled-1";
  const GateResult result = gate().pass(unnamed);
  EXPECT_EQ(result.rule, "not_a_file");
  EXPECT_THAT(result.bytes, Not(HasSubstr(kPrivate)));
  EXPECT_FALSE(gate_->pass_request(unnamed.uri, "a", "b").allowed);
}

struct Excluded {
  std::string name;
  std::string file;         // below the workspace
  std::string ignore_file;  // empty: none
  std::string patterns;
  std::string rule;
};

class ExcludedFiles : public GateTest, public testing::WithParamInterface<Excluded> {};

TEST_P(ExcludedFiles, AreNeitherCapturedNorSentToAProvider) {
  const Excluded& one = GetParam();
  if (!one.ignore_file.empty()) write(work() / one.ignore_file, one.patterns);
  for (const Mode mode : {Mode::kFull, Mode::kMetricsOnly}) {
    const GateResult result = gate(mode).pass(event(work() / one.file, kPrivate));
    EXPECT_TRUE(result.suppressed);
    EXPECT_EQ(result.rule, one.rule);
    EXPECT_EQ(result.bytes, "");
  }
  const ProviderDecision asked =
      gate_->pass_request("file://" + (work() / one.file).string(), kPrivate, kPrivate);
  EXPECT_FALSE(asked.allowed);
  EXPECT_EQ(asked.prefix + asked.suffix, "");
}

INSTANTIATE_TEST_SUITE_P(
    Files, ExcludedFiles,
    testing::Values(
        Excluded{"Env", ".env", "", "", "default:.env"},
        Excluded{"EnvOfAPlace", "x/.env.production", "", "", "default:.env.*"},
        Excluded{"Pem", "tls/server.pem", "", "", "default:*.pem"},
        Excluded{"SshKey", "id_ed25519", "", "", "default:id_ed25519*"},
        Excluded{"Aws", ".aws/credentials", "", "", "default:.aws/"},
        Excluded{"Terraform", "main.tfvars", "", "", "default:*.tfvars"},
        Excluded{"GitIgnore", "x/a.gen.cpp", ".gitignore", "*.gen.cpp\n", ".gitignore:*.gen.cpp"},
        Excluded{"StropIgnore", "x/a.cpp", ".stropignore", "x/\n", ".stropignore:x/"},
        Excluded{"CopilotIgnore", "x/a.cpp", "x/.copilotignore", "a.*\n", ".copilotignore:a.*"},
        Excluded{"CursorIgnore", "a.cpp", ".cursorignore", "/a.cpp\n", ".cursorignore:/a.cpp"}),
    [](const auto& test) { return test.param.name; });

TEST_F(GateTest, ADeeperFileOfTheSameKindTakesBack) {
  write(work() / ".gitignore", "*.gen.cpp\n");
  write(work() / "x/.gitignore", "!a.gen.cpp\n");
  EXPECT_FALSE(gate().pass(event(work() / "x/a.gen.cpp", "t")).suppressed);
  EXPECT_TRUE(gate_->pass(event(work() / "x/b.gen.cpp", "t")).suppressed);
}

TEST_F(GateTest, AnotherKindDoesNotTakeBack) {
  write(work() / ".gitignore", "*.gen.cpp\n");
  write(work() / ".stropignore", "!*.gen.cpp\n");
  EXPECT_TRUE(gate().pass(event(work() / "a.gen.cpp", "t")).suppressed);
}

TEST_F(GateTest, TheConfigurationsPatternsCount) {
  EXPECT_EQ(gate(Mode::kFull, {"legal/"}).pass(event(work() / "legal/a.txt", "t")).rule,
            "configuration:legal/");
}

TEST_F(GateTest, TheConfigurationsPatternsHoldBelowAnyFolder) {
  EXPECT_TRUE(gate(Mode::kFull, {"legal/private.txt"})
                  .pass(event(work() / "legal/private.txt", "t"))
                  .suppressed);
}

TEST_F(GateTest, DefaultsKnowTheirVariants) {
  gate();
  for (const char* name :
       {"id_work", ".env-prod", "x.tfvars.json", "kubeconfig.yaml", "Server.PEM"})
    EXPECT_TRUE(gate_->pass(event(work() / name, "t")).suppressed) << name;
  for (const char* name : {"id_map.py", "shadow/dom.ts", "environment.py"})
    EXPECT_FALSE(gate_->pass(event(work() / name, "t")).suppressed) << name;
}

TEST_F(GateTest, NoSecretLeavesInNamesEither) {
  schema::Event named = event(work() / "a.cpp", "t");
  named.server = named.language = named.dialect = kSecret;
  std::get<schema::Offered>(named.body).model = kSecret;
  for (const Mode mode : {Mode::kFull, Mode::kMetricsOnly})
    EXPECT_THAT(gate(mode).pass(named).bytes, Not(HasSubstr(kSecret)));
}

TEST_F(GateTest, AnIgnoreFileThatCannotBeReadExcludes) {
  fs::create_symlink(".gitignore", work() / ".gitignore");
  EXPECT_EQ(gate().pass(event(work() / "a.cpp", "t")).rule, ".gitignore:unreadable");
}

TEST_F(GateTest, ALinkIsWhatItPointsTo) {
  write(work() / ".env", kPrivate);
  fs::create_symlink(work() / ".env", work() / "harmless.txt");
  EXPECT_TRUE(gate().pass(event(work() / "harmless.txt", kPrivate)).suppressed);
  fs::create_directories(folder_.path() / "other");
  write(folder_.path() / "other/a.cpp", "");
  fs::create_symlink(folder_.path() / "other/a.cpp", work() / "a.cpp");
  EXPECT_EQ(gate_->pass(event(work() / "a.cpp", kPrivate)).rule, "no_consent");
}

TEST_F(GateTest, ARuleWrittenLaterHoldsSoon) {
  gate();
  EXPECT_FALSE(gate_->pass(event(work() / "a.cpp", "t")).suppressed);
  write(work() / ".stropignore", "a.cpp\n");
  now_ms_ += 5'000;
  EXPECT_TRUE(gate_->pass(event(work() / "a.cpp", "t")).suppressed);
}

TEST_F(GateTest, WhilePausedNothingIsCaptured) {
  std::ostringstream out;
  ASSERT_EQ(pause(state(), out, out), 0) << out.str();
  EXPECT_EQ(gate().pass(event(work() / "a.cpp", "t")).rule, "paused");
  EXPECT_FALSE(gate_->pass_request("file://" + (work() / "a.cpp").string(), "a", "b").allowed);
  ASSERT_EQ(resume(state(), out, out), 0) << out.str();
  now_ms_ += 5'000;
  EXPECT_FALSE(gate_->pass(event(work() / "a.cpp", "t")).suppressed);
}

TEST_F(GateTest, WithoutAPlaceForItsKeyItIsClosed) {
  write(state(), "a file where the folder should be");
  const GateResult result = gate(Mode::kMetricsOnly).pass(event(work() / "a.cpp", kPrivate));
  EXPECT_TRUE(result.suppressed);
  EXPECT_EQ(result.bytes, "");
}

TEST_F(GateTest, PromptsGoWithoutTheirSecrets) {
  const ProviderDecision decision = gate(Mode::kOff)
                                        .pass_request("file://" + (work() / "a%20b.py").string(),
                                                      "key = \"" + kSecret + "\"\n", "end");
  EXPECT_TRUE(decision.allowed);
  EXPECT_THAT(decision.prefix, Not(HasSubstr(kSecret)));
  EXPECT_EQ(decision.suffix, "end");
}

TEST_F(GateTest, ARepositoryIsNamedByPseudonymCommitAndPath) {
  const std::string commit(40, 'a');
  write(work() / ".git/HEAD", "ref: refs/heads/main\n");
  write(work() / ".git/refs/heads/main", commit + "\n");
  const json record = json::parse(gate().pass(event(work() / "x/a.cpp", "t")).bytes);
  EXPECT_EQ(record["path"], "x/a.cpp");
  EXPECT_EQ(record["commit"], commit);
  EXPECT_EQ(record["repo"].get<std::string>().size(), 32U);
}

// Git's own file ends with its repository; a wish for privacy does not.
TEST_F(GateTest, OuterIgnoreFilesHoldInANestedRepository) {
  write(work() / "vendor/nested/.git/HEAD", "ref: refs/heads/main\n");
  const fs::path file = work() / "vendor/nested/secret/a.cpp";
  write(work() / ".gitignore", "secret/\n");
  EXPECT_FALSE(gate().pass(event(file, "t")).suppressed);
  for (const char* name : {".stropignore", ".copilotignore", ".cursorignore"}) {
    write(work() / name, "secret/\n");
    EXPECT_EQ(gate().pass(event(file, "t")).rule, std::string(name) + ":secret/");
    fs::remove(work() / name);
  }
}

TEST_F(GateTest, IgnoreFilesAboveHomeHoldBelowIt) {
  write(folder_.path() / ".stropignore", "*.cpp\n");
  EXPECT_TRUE(gate().pass(event(home() / "x/a.cpp", "t")).suppressed);
}

TEST_F(GateTest, AFileHasOnePseudonymHoweverItIsWritten) {
  const auto uri_of = [this](const std::string& uri) {
    schema::Event one = event(work() / "x", "t");
    one.uri = uri;
    return json::parse(gate(Mode::kMetricsOnly).pass(one).bytes)["uri"].get<std::string>();
  };
  const std::string folder = "file://" + work().string();
  EXPECT_EQ(uri_of(folder + "/a%20b.cpp"), uri_of(folder + "/x/../a b.cpp"));
  EXPECT_NE(uri_of(folder + "/a.cpp"), uri_of(folder + "/b.cpp"));
  EXPECT_NE(uri_of("untitled:1"), uri_of("untitled:2"));
}

TEST_F(GateTest, AKeyThatCannotBeUsedIsClosedAndLoggedOnce) {
  open_log(state());
  write(state() / "pseudonym.key", "short");
  fs::permissions(state() / "pseudonym.key", fs::perms::owner_read | fs::perms::owner_write);
  gate(Mode::kMetricsOnly);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(gate_->pass(event(work() / "a.cpp", kPrivate)).rule, "fault");
  std::ifstream log(state() / kLogFile);
  std::string line;
  ASSERT_TRUE(std::getline(log, line));
  EXPECT_THAT(line, HasSubstr("pseudonym.key is damaged; remove it"));
  EXPECT_FALSE(std::getline(log, line)) << line;
}

TEST_F(GateTest, AKeyThatOthersMayReadIsNoSecret) {
  ASSERT_FALSE(gate(Mode::kMetricsOnly).pass(event(work() / "a.cpp", "t")).suppressed);
  EXPECT_EQ(fs::status(state() / "pseudonym.key").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  fs::permissions(state() / "pseudonym.key", fs::perms::others_read, fs::perm_options::add);
  EXPECT_EQ(gate(Mode::kMetricsOnly).pass(event(work() / "a.cpp", "t")).rule, "fault");
}

}  // namespace
}  // namespace strop::agent::test
