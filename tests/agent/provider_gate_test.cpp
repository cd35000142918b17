// The provider behind the real gate: other files that must not leave, and whose arm it is.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "agent/delivery.h"
#include "agent/inspector.h"
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

// As strop/status tells it: before a request, and for files that no request may be made in.
TEST_F(ProviderGateTest, WhomAFileIsCompletedByIsKnownWithoutARequest) {
  serve(one_and_two);
  config_.url = "http://127.0.0.1:1";
  config_.arms_by = "repository";
  for (const char* name : {"a", "b"}) {
    ProviderArm arm;
    arm.name = name;
    arm.url = server_->url(std::string("/") + name);
    arm.model = std::string("model-") + name;
    config_.arms.push_back(arm);
  }
  all_.provider = config_;
  all_.privacy.exclude = {"*.secret"};
  delivery_ = make_delivery(all_);
  start_with(make_backends(config_).value(),
             [this](InlineAsk& ask) { return delivery_->prepare(ask); });
  std::set<std::string> seen;
  std::map<std::string, std::string> arms;
  for (int number = 0; number < 12; ++number) {
    const std::string repository = "r" + std::to_string(number);
    std::filesystem::create_directories(home_ / repository / ".git");
    provider_->ask(ask_in(repository + "/a.cpp"));
    const std::string arm = answers_.next().note.arm.value();
    const Backend& backend = provider_->backend_of(uri_of(repository + "/a.cpp"));
    EXPECT_EQ(backend.arm, arm);
    EXPECT_EQ(backend.config.url, server_->url("/" + arm));
    EXPECT_EQ(backend.config.model, "model-" + arm);
    EXPECT_EQ(provider_->backend_of(uri_of(repository + "/key.secret")).arm, arm);
    arms[repository] = arm;
    seen.insert(arm);
  }
  EXPECT_EQ(seen.size(), 2U);
  std::ostringstream out;
  ASSERT_EQ(pause(all_.state, out, out), 0) << out.str();
  delivery_->look_again();
  for (const auto& [repository, arm] : arms)
    EXPECT_EQ(provider_->backend_of(uri_of(repository + "/a.cpp")).arm, arm);
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
