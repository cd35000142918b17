// The provider behind the real gate: other files that must not leave, and whose arm it is.
#include <gmock/gmock.h>

#include <filesystem>

#include "agent/delivery.h"
#include "provider_fixture.h"
#include "user_home.h"

namespace strop::agent::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class ProviderGateTest : public ProviderTest {
 protected:
  ProviderGateTest() {
    all_.state = home_.state();
    all_.home = home_.places().home;
    all_.config_home = home_.places().config_home;
  }
  void begin() {
    delivery_ = make_delivery(all_);
    config_.related_bytes = 4096;
    serve(one_and_two);
    start("", "", [this](InlineAsk& ask) { return delivery_->prepare(ask); });
  }
  ~ProviderGateTest() override {
    if (provider_) provider_->stop();
  }
  std::string uri_of(const std::string& name) const { return "file://" + (home_ / name).string(); }
  InlineAsk ask_in(const std::string& name) const {
    InlineAsk ask = ask_of("1", "int area(Shape shape) {\n  return ");
    ask.uri = uri_of(name);
    return ask;
  }

  UserHome home_;
  Config all_;
  std::unique_ptr<Delivery> delivery_;
};

TEST_F(ProviderGateTest, AnExcludedOpenFileNeverGoesAlong) {
  all_.privacy.exclude = {"*.secret.h"};
  begin();
  InlineAsk ask = ask_in("work/a.cpp");
  const std::string secret = std::string("AKIA") + "IOSFODNN7QRSTUVW";
  for (const char* name : {"work/a.secret.h", "work/a.h", "work/.env"})
    ask.open_files.push_back({uri_of(name), std::make_shared<const std::string>(
                                                "int area(Shape shape); // " + std::string(name) +
                                                "\n// key = \"" + secret + "\"\n")});
  provider_->ask(ask);
  answers_.next();
  const std::string sent = server_->requests().at(0).body.dump();
  EXPECT_THAT(sent, HasSubstr("// work/a.h"));
  EXPECT_THAT(sent, Not(HasSubstr("a.secret.h")));
  EXPECT_THAT(sent, Not(HasSubstr(".env")));
  EXPECT_THAT(sent, Not(HasSubstr(secret)));
}

TEST_F(ProviderGateTest, WithArmsARequestSaysWhoseAndInWhichRepositoryUnderPseudonyms) {
  all_.provider.url = "http://127.0.0.1:1";
  all_.provider.arms.resize(1);
  begin();
  for (const char* repository : {"one", "two"})
    std::filesystem::create_directories(home_ / repository / ".git");
  const auto prepared = [this](const std::string& name) {
    InlineAsk ask = ask_in(name);
    EXPECT_TRUE(delivery_->prepare(ask));
    return ask;
  };
  const InlineAsk first = prepared("one/a.cpp");
  EXPECT_EQ(first.user.size(), 32U);
  EXPECT_EQ(first.repository.size(), 32U);
  EXPECT_EQ(prepared("one/b.cpp").repository, first.repository);
  EXPECT_NE(prepared("two/a.cpp").repository, first.repository);
  EXPECT_EQ(prepared("two/a.cpp").user, first.user);
  EXPECT_EQ(prepared("none/a.cpp").repository, "");
}

TEST_F(ProviderGateTest, WithoutArmsNobodyNeedsToBeToldApart) {
  begin();
  InlineAsk ask = ask_in("work/a.cpp");
  EXPECT_TRUE(delivery_->prepare(ask));
  EXPECT_EQ(ask.user, "");
  EXPECT_EQ(ask.repository, "");
}

}  // namespace
}  // namespace strop::agent::test
