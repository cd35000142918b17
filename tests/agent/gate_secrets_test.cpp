// Secrets that the cursor cuts, rules that fail, texts that are too large: what the gate lets out.
#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "gate_fixture.h"

namespace strop::agent::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

// In parts, so that no scan of this repository finds them.
const std::string kToken = std::string("ghp_") + "a8Bf3kQ9ZxW2mN7rT5vY1cD4eH6jL0pSgUqi";
const std::string kName = std::string("client_") + "secret = \"";
const std::string kValue = std::string("q7Rz") + "9mK2xW4vT8nB1cD5";
const std::string kKeyBegin = std::string("-----BEGIN ") + "RSA PRIVATE KEY-----\n";
const std::string kKeyEnd = std::string("-----END ") + "RSA PRIVATE KEY-----\n";
const std::string kKeyLine = "MIIEpAIBAAKCAQEA7bq8Zf3xQk1vT9sWm2nR5yUe4cHd6jL0pSgXaBoKtVwYzE1q\n";

schema::Event offer(const fs::path& file, const std::string& prefix, const std::string& text,
                    const std::string& suffix, const std::string& replaces = "") {
  schema::Event out;
  out.suggestion = "s1";
  out.uri = "file://" + file.string();
  schema::Offered offered;
  offered.prefix = prefix;
  offered.suffix = suffix;
  offered.candidates = {{text, replaces, 0, {}}};
  out.body = offered;
  return out;
}

schema::Event accepted(const fs::path& file, const std::string& text) {
  schema::Event out;
  out.suggestion = "s1";
  out.uri = "file://" + file.string();
  schema::Outcome outcome;
  outcome.text = text;
  out.body = outcome;
  return out;
}

class GateSecretsTest : public GateTest {
 protected:
  std::string passed(const schema::Event& event) { return gate_->pass(event).bytes; }
  fs::path file() const { return work() / "a.py"; }
};

TEST_F(GateSecretsTest, ATokenThatTheCursorCutsLeavesNothingInEitherPart) {
  gate();
  for (std::size_t at = 1; at < kToken.size(); ++at) {
    const std::string head = kToken.substr(0, at);
    const std::string tail = kToken.substr(at);
    const json record =
        json::parse(passed(offer(file(), "a = 1\nlogin('" + head, tail + "')\nb = 2", "\n")));
    const std::string prefix = record["prefix"];
    const std::string text = record["candidates"][0]["text"];
    EXPECT_THAT(prefix, Not(HasSubstr("login('" + head))) << at;
    EXPECT_THAT(text, Not(HasSubstr(tail + "'"))) << at;
    EXPECT_THAT(prefix, testing::StartsWith("a = 1\nlogin('"));
    EXPECT_THAT(text, testing::EndsWith("')\nb = 2"));
  }
}

TEST_F(GateSecretsTest, ATokenOfThreePartsLeavesNothingInAny) {
  gate();
  const std::string bytes = passed(offer(file(), "t = '" + kToken.substr(0, 12),
                                         kToken.substr(12, 14), kToken.substr(26) + "'\n"));
  for (std::size_t at = 0; at + 6 <= kToken.size(); ++at)
    EXPECT_THAT(bytes, Not(HasSubstr(kToken.substr(at, 6)))) << at;
}

TEST_F(GateSecretsTest, AValueIsKnownByTheNameBeforeTheCursor) {
  const json record = json::parse(gate().pass(offer(file(), kName, kValue + "\"\n", "")).bytes);
  EXPECT_THAT(record.dump(), Not(HasSubstr(kValue)));
  EXPECT_EQ(record["prefix"], kName);
}

TEST_F(GateSecretsTest, WhatWasAcceptedIsJudgedByWhereItStands) {
  gate();
  passed(offer(file(), kName, kValue + "\"", "\n"));
  EXPECT_THAT(passed(accepted(file(), kValue + "\"")), Not(HasSubstr(kValue)));
  passed(offer(file(), "t = '" + kToken.substr(0, 20), kToken.substr(20) + "'", "\n"));
  EXPECT_THAT(passed(accepted(file(), kToken.substr(20) + "'")), Not(HasSubstr(kToken.substr(20))));
}

TEST_F(GateSecretsTest, OfASecretThatWasAcceptedInPartNoPartLeaves) {
  gate();
  passed(offer(file(), kName, kValue + "\"", "\n"));
  for (std::size_t size = 4; size < kValue.size(); ++size)
    EXPECT_THAT(passed(accepted(file(), kValue.substr(0, size))),
                Not(HasSubstr(kValue.substr(0, size))));
  EXPECT_THAT(passed(accepted(file(), "f(" + kValue.substr(3, 9) + ")")),
              HasSubstr("\"f(«REDACTED:secret»)\""));
}

TEST_F(GateSecretsTest, WhatIsReplacedIsPartOfWhatItReplaces) {
  gate();
  const std::string half = kToken.substr(0, 20);
  EXPECT_THAT(passed(offer(file(), "t = '" + half, kToken + "'", "\n", half)),
              Not(HasSubstr(kToken)));
}

TEST_F(GateSecretsTest, NothingOfASecretStaysInWhatItReplaces) {
  gate();
  const auto check = [&](const std::string& typed, const std::string& behind) {
    const std::string bytes = passed(offer(file(), "t = '" + typed, kToken.substr(0, 30),
                                           behind + kToken.substr(30), typed + behind)) +
                              passed(accepted(file(), kToken.substr(0, 30)));
    for (std::size_t at = 0; at + 6 <= kToken.size(); ++at)
      EXPECT_THAT(bytes, Not(HasSubstr(kToken.substr(at, 6)))) << at;
  };
  check(kToken.substr(0, 13), "");
  check(kToken.substr(0, 13), kToken.substr(20, 10));
  check("", kToken.substr(20, 10));
}

TEST_F(GateSecretsTest, WhereTheSurroundingsAreForgottenOnlyCountsLeave) {
  gate();
  EXPECT_EQ(gate_->pass(accepted(file(), kValue)).rule, "unknown_place");
  passed(offer(file(), kName, kValue + "\"", "\n"));
  schema::Event other = offer(file(), "a = ", "1", "\n");
  for (int i = 0; i < 2'000; ++i) {
    other.suggestion = "other" + std::to_string(i);
    passed(other);
    EXPECT_THAT(passed(accepted(file(), kValue)), Not(HasSubstr(kValue)));
  }
  EXPECT_EQ(gate_->pass(accepted(file(), kValue)).rule, "unknown_place");
}

TEST_F(GateSecretsTest, ALongTokenIsOneSecretToo) {
  std::string token = "eyJ";
  for (int i = 0; token.size() < 3'000; ++i) {
    token += "q7Rz" + std::to_string(i) + "mK2xW4vT";
    if (i == 40 || i == 200) token += i == 40 ? ".eyJ" : ".";
  }
  const std::string tail = token.substr(2'600);
  const std::string bytes = gate()
                                .pass(offer(file(), "a = 1\nt = '" + token.substr(0, 2'500),
                                            token.substr(2'500, 100), tail + "'\n"))
                                .bytes;
  for (std::size_t at = 0; at + 20 <= token.size(); at += 20)
    EXPECT_THAT(bytes, Not(HasSubstr(token.substr(at, 20)))) << at;
  EXPECT_THAT(bytes, HasSubstr("a = 1"));
}

TEST_F(GateSecretsTest, OfAnOfferThatIsMostlySecretsOutcomesAreCountsAlone) {
  std::string text;
  while (text.size() <= 20'000) text += kToken + "\n";
  gate();
  passed(offer(file(), "a = 1\n", text, "\n"));
  EXPECT_EQ(gate_->pass(accepted(file(), "x")).rule, "unknown_place");
}

TEST_F(GateSecretsTest, AKeyOverManyLinesIsOneSecretHoweverItIsCut) {
  std::string above = "k = '''" + kKeyBegin;
  for (int i = 0; i < 30; ++i) above += kKeyLine;
  const std::string bytes =
      gate().pass(offer(file(), above, kKeyLine + kKeyLine, kKeyLine + kKeyEnd + "'''\n")).bytes;
  EXPECT_THAT(bytes, Not(HasSubstr(kKeyLine.substr(0, 20))));
  EXPECT_THAT(bytes, HasSubstr("k = '''"));
}

TEST_F(GateSecretsTest, RequestsGoWithoutASecretThatTheCursorCuts) {
  const ProviderDecision asked =
      gate(Mode::kOff)
          .pass_request("file://" + file().string(), "t = '" + kToken.substr(0, 20),
                        kToken.substr(20) + "'\n");
  ASSERT_TRUE(asked.allowed);
  EXPECT_THAT(asked.prefix + "|" + asked.suffix, Not(HasSubstr(kToken.substr(0, 20))));
  EXPECT_THAT(asked.prefix + "|" + asked.suffix, Not(HasSubstr(kToken.substr(20))));
}

TEST_F(GateSecretsTest, WhatHasPassedOncePassesAsItIs) {
  gate();
  const json once = json::parse(
      passed(offer(file(), "t = '" + kToken.substr(0, 20), kToken.substr(20) + "'", "\n")));
  const json twice = json::parse(
      passed(offer(file(), once["prefix"], once["candidates"][0]["text"], once["suffix"])));
  EXPECT_EQ(once["prefix"], twice["prefix"]);
  EXPECT_EQ(once["candidates"][0]["text"], twice["candidates"][0]["text"]);
}

TEST_F(GateSecretsTest, WhatIsAroundTheCursorIsLookedThroughOnceForAllCandidates) {
  std::map<std::string, int, std::less<>> looks;
  find_secrets_ = [&looks](std::string_view text) {
    ++looks[std::string(text)];
    return schema::scan_secrets(text);
  };
  gate();
  schema::Event event = offer(file(), "x = wid", "width", "ht\n", "wid");
  auto& candidates = std::get<schema::Offered>(event.body).candidates;
  candidates.push_back({"wider", "wid", 1, {}});
  candidates.push_back({"widest", "widht", 2, {}});
  passed(event);
  EXPECT_EQ(looks["x = widht\n"], 1);
}

TEST_F(GateSecretsTest, WhereARuleFailsOnlyCountsLeave) {
  find_secrets_ = [](std::string_view) -> std::vector<schema::SecretHit> {
    throw std::runtime_error("no rules");
  };
  gate();
  for (const schema::Event& one : every_kind(file(), kPrivate)) {
    const GateResult result = gate_->pass(one);
    EXPECT_FALSE(result.suppressed);
    EXPECT_EQ(result.rule, "scrub_failed");
    EXPECT_THAT(result.bytes, Not(HasSubstr(kPrivate)));
    EXPECT_THAT(result.bytes, Not(HasSubstr("clangd")));
    EXPECT_TRUE(schema::event_from_json(json::parse(result.bytes)));
  }
  const ProviderDecision asked = gate_->pass_request("file://" + file().string(), kPrivate, "");
  EXPECT_FALSE(asked.allowed);
  EXPECT_EQ(asked.prefix, "");
}

TEST_F(GateSecretsTest, OfTextsTooLargeToLookThroughOnlyCountsLeave) {
  const std::string large(5u << 20, 'x');
  const GateResult result = gate().pass(offer(file(), "", large, ""));
  EXPECT_EQ(result.rule, "too_large");
  EXPECT_LT(result.bytes.size(), 2'000U);
  EXPECT_EQ(json::parse(result.bytes)["candidates"][0]["chars"], large.size());
  EXPECT_EQ(gate_->pass_request("file://" + file().string(), large, "").rule, "too_large");
}

}  // namespace
}  // namespace strop::agent::test
