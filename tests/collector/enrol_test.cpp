// How a key comes on the allow-list over the wire: by a one-time token, or announced by another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>

#include "collector/enrol_list.h"
#include "collector/serve_fixture.h"

namespace strop::collector {
namespace {

using schema::Ack;
using schema::Enrol;
using schema::Enrolled;
using schema::EnrolToken;
using schema::Nack;
using schema::NackCode;
using schema::Welcome;
using testing::HasSubstr;
using testing::Not;

std::int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class EnrolTest : public ServeTest {
 protected:
  EnrolToken token_for(const std::string& name) {
    const Said said = run_collector({"enrol", name, "--keys", keys()});
    EXPECT_EQ(said.code, 0) << said.err;
    auto token = schema::parse_token(said.out);
    if (!token) throw std::runtime_error(token.error());
    return *token;
  }
  std::unique_ptr<Peer> connect_with(const EnrolToken& token) { return connect(token.key); }
  std::string list() { return run_collector({"keys", "list", "--keys", keys()}).out; }

  const schema::CurveKey bob_ = make_key_pair();
};

TEST_F(EnrolTest, ATokenLetsOneKeyInAtOnceWithoutARestart) {
  start();
  const EnrolToken token = token_for("bob");
  EXPECT_EQ(token.collector, server_.public_key);
  const auto answer = connect_with(token)->ask<Enrolled>(Enrol{bob_.public_key, "test"});
  EXPECT_EQ(answer, (Enrolled{"bob", server_.public_key, ""}));
  EXPECT_THAT(list(), HasSubstr(bob_.public_key + " bob\n"));
  connect(bob_)->ask<Welcome>(hello());
  EXPECT_THAT(log(), HasSubstr("event=enrolled user=bob"));
}

TEST_F(EnrolTest, WhatLiesInTheFolderLetsNobodyIn) {
  const EnrolToken token = token_for("bob");
  std::ostringstream kept;
  kept << std::ifstream(enrol_list_file(keys())).rdbuf();
  EXPECT_THAT(kept.str(), HasSubstr(" bob "));
  EXPECT_THAT(kept.str(), Not(HasSubstr(token.key.public_key)));
  EXPECT_THAT(kept.str(), Not(HasSubstr(token.key.secret_key)));
  struct stat facts {};
  ASSERT_EQ(::stat(enrol_list_file(keys()).c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(EnrolTest, ATokenIsGoodForNothingElse) {
  start();
  const auto peer = connect_with(token_for("bob"));
  const auto nack = peer->ask<Nack>(hello());
  EXPECT_EQ(nack.code, NackCode::kUnauthorised);
  EXPECT_EQ(peer->ask<Nack>(batch(1, {event("a")})).code, NackCode::kUnauthorised);
  EXPECT_TRUE(stored().empty());
  peer->ask<Enrolled>(Enrol{bob_.public_key, "test"});  // and still for that
}

TEST_F(EnrolTest, ATokenIsNotTakenTwice) {
  start();
  const EnrolToken token = token_for("bob");
  const auto first = connect_with(token);
  const auto second = connect_with(token);
  ASSERT_TRUE(first->let_in());
  ASSERT_TRUE(second->let_in());
  first->ask<Enrolled>(Enrol{bob_.public_key, "test"});
  const auto nack = second->ask<Nack>(Enrol{make_key_pair().public_key, "thief"});
  EXPECT_EQ(nack.code, NackCode::kUnauthorised);
  EXPECT_TRUE(nack.permanent);
  EXPECT_THAT(nack.reason, HasSubstr("used already"));
  EXPECT_THAT(log(), HasSubstr("event=enrol_refused reason=\"the token was used already\""));
  EXPECT_FALSE(connect_with(token)->let_in());
  EXPECT_THAT(log(), HasSubstr("reason=\"token of bob that was used already\""));
}

TEST_F(EnrolTest, ATokenExpires) {
  const auto token = make_token(keys(), "bob", now_s(), now_s() - 1);
  ASSERT_TRUE(token) << token.error();
  start();
  EXPECT_FALSE(connect_with(*token)->let_in());
  EXPECT_THAT(log(), HasSubstr("reason=\"token of bob that has expired\""));
  // One that expires between the handshake and the question.
  const auto late = redeem(keys(), token->key.public_key, bob_.public_key, now_s());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().fault, EnrolFault::kExpired);
}

TEST_F(EnrolTest, AGuessedTokenIsAStranger) {
  start();
  token_for("bob");
  EXPECT_FALSE(connect(make_key_pair())->let_in());
  EXPECT_THAT(log(), HasSubstr("reason=\"not on the allow-list\""));
}

TEST_F(EnrolTest, WhoIsRevokedHasNoTokenLeft) {
  start();
  const EnrolToken token = token_for("bob");
  ASSERT_EQ(run_collector({"keys", "revoke", "--keys", keys(), "bob"}).code, 0);
  EXPECT_EQ(redeem(keys(), token.key.public_key, bob_.public_key, now_s()).error().fault,
            EnrolFault::kUnknown);
}

TEST_F(EnrolTest, AnothersKeyIsNotTakenOver) {
  start();
  const auto nack = connect_with(token_for("bob"))->ask<Nack>(Enrol{anna_.public_key, "test"});
  EXPECT_THAT(nack.reason, HasSubstr("another's already"));
  EXPECT_THAT(list(), HasSubstr(anna_.public_key + " anna\n"));
}

TEST_F(EnrolTest, WrongUsageSaysWhatToDo) {
  EXPECT_EQ(run_collector({"enrol", "an na", "--keys", keys()}).code, 2);
  EXPECT_EQ(run_collector({"enrol", "anna"}).code, 2);
  EXPECT_EQ(run_collector({"enrol", "anna", "--keys", keys(), "--valid-hours", "0"}).code, 2);
  const Said nowhere = run_collector({"enrol", "anna", "--keys", folder_ / "none"});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("keys generate"));
}

// The old key is good until the new one was used, so that whatever is cut off can be tried again.
TEST_F(EnrolTest, AnAnnouncedKeyTakesTheOldOnesPlaceOnceItIsUsed) {
  start();
  const schema::CurveKey next = make_key_pair();
  const auto anna = connect(anna_);
  anna->ask<Welcome>(hello());
  EXPECT_EQ(anna->ask<Enrolled>(Enrol{next.public_key, "test"}).name, "anna");
  EXPECT_EQ(anna->ask<Enrolled>(Enrol{next.public_key, "test"}).name, "anna");  // twice is once
  anna->ask<Ack>(batch(1, {event("a")}));
  EXPECT_TRUE(connect(anna_)->let_in());
  EXPECT_EQ(connect(next)->ask<Welcome>(hello()).durable_through, 1U);
  EXPECT_EQ(anna->ask<Nack>(batch(2, {event("b")})).code, NackCode::kUnauthorised);
  EXPECT_FALSE(connect(anna_)->let_in());
  EXPECT_EQ(list(), next.public_key + " anna\n");
  EXPECT_THAT(log(), HasSubstr("event=key_replaced user=anna"));
}

// Who announced a key with a stolen one is out when its owner announces.
TEST_F(EnrolTest, OfSeveralAnnouncedKeysTheLastCounts) {
  start();
  const schema::CurveKey thiefs = make_key_pair();
  const schema::CurveKey next = make_key_pair();
  const auto anna = connect(anna_);
  anna->ask<Enrolled>(Enrol{thiefs.public_key, "thief"});
  anna->ask<Enrolled>(Enrol{next.public_key, "test"});
  EXPECT_FALSE(connect(thiefs)->let_in());
  connect(next)->ask<Welcome>(hello());
  EXPECT_EQ(list(), next.public_key + " anna\n");
}

TEST_F(EnrolTest, AKeyThatIsOnTheListCannotBeAnnounced) {
  ASSERT_TRUE(allow(keys(), "bob", bob_.public_key));
  start();
  const auto nack = connect(anna_)->ask<Nack>(Enrol{bob_.public_key, "test"});
  EXPECT_THAT(nack.reason, HasSubstr("on the allow-list already"));
  EXPECT_TRUE(connect(bob_)->let_in());
}

TEST_F(EnrolTest, WithoutKeysNobodyIsEnrolled) {
  ServeProcess serve({"--store", store(), "--insecure-loopback", "--bind", "tcp://127.0.0.1:0"},
                     folder_ / "ports");
  Peer plain(serve.port(), "", nullptr);
  EXPECT_EQ(plain.ask<Nack>(Enrol{bob_.public_key, "test"}).code, NackCode::kUnauthorised);
}

TEST(EnrolList, ReadsWhatItWritesAndNothingElse) {
  const std::string hash(64, 'a');
  const std::string old_key(40, 'b');
  const std::string new_key(40, 'c');
  const std::string good =
      "token " + hash + " anna 1700000000\nsuccessor " + new_key + " " + old_key + "\n";
  const EnrolList list = EnrolList::parse(
      "# x\n" + good + "token short anna 1\ntoken " + std::string(64, 'd') + " an/na 1\nused " +
      std::string(64, 'e') + " anna soon\nsuccessor " + old_key + " short\njunk\n");
  EXPECT_THAT(list.text(), testing::EndsWith("\n" + good));
  EXPECT_EQ(list.predecessor_of(new_key), old_key);
  EXPECT_EQ(EnrolList::parse(list.text()).text(), list.text());
}

TEST(EnrolList, OldTokensAreSweptInTime) {
  EnrolList list;
  list.add(std::string(40, 'a'), {"anna", 1000, false});
  list.sweep(1000 + 29 * 24 * 3600);
  EXPECT_NE(list.token_of(std::string(40, 'a')), nullptr);
  list.sweep(1000 + 31 * 24 * 3600);
  EXPECT_EQ(list.token_of(std::string(40, 'a')), nullptr);
}

}  // namespace
}  // namespace strop::collector
