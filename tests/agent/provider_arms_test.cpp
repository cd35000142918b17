// Arms of an experiment: what each has of its own, who keeps which, and that an answer says so.
#include <gmock/gmock.h>

#include <array>
#include <fstream>
#include <set>

#include "agent/provider/backend.h"
#include "provider_fixture.h"
#include "support/temporary_folder.h"

namespace strop::agent::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

ProviderArm arm(const std::string& name) {
  ProviderArm out;
  out.name = name;
  return out;
}

ProviderConfig config() {
  ProviderConfig out;
  out.url = "http://127.0.0.1:1";
  out.model = "base";
  return out;
}

TEST(Backends, WithoutArmsThereIsOneOfNoArm) {
  const auto backends = make_backends(config());
  ASSERT_TRUE(backends) << backends.error();
  ASSERT_EQ(backends->size(), 1U);
  EXPECT_FALSE(backends->front().arm);
  EXPECT_EQ(backends->front().config, config());
}

TEST(Backends, AnArmHasWhatItSaysAndElseWhatTheProviderHas) {
  ProviderConfig both = config();
  ProviderArm other = arm("b");
  other.weight = 3;
  other.model = "honed";
  other.max_tokens = 7;
  other.temperature = 0.2;
  other.timeout_ms = 100;
  other.fim = "qwen";
  both.arms = {arm("a"), other};
  const auto backends = make_backends(both);
  ASSERT_TRUE(backends) << backends.error();
  EXPECT_EQ(backends->at(0).config, config());
  EXPECT_THAT(backends->at(0).arm, Optional(std::string("a")));
  const Backend& b = backends->at(1);
  EXPECT_EQ(b.weight, 3);
  EXPECT_EQ(b.config.model, "honed");
  EXPECT_EQ(b.config.max_tokens, 7);
  EXPECT_EQ(b.config.temperature, 0.2);
  EXPECT_EQ(b.config.timeout_ms, 100);
  EXPECT_EQ(b.config.fim, "qwen");
  EXPECT_EQ(b.endpoint.port, "1");
}

class BackendFiles : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    std::filesystem::permissions(folder_ / name, std::filesystem::perms(0600));
    return folder_ / name;
  }
  support::TemporaryFolder folder_;
};

TEST_F(BackendFiles, AnArmsOwnServerGetsNeitherAnothersKeyNorItsName) {
  ProviderConfig both = config();
  both.key_file = file("key", "sesame");
  both.name = "strop";
  ProviderArm vendor = arm("vendor");
  vendor.url = "https://vendor.example";
  both.arms = {arm("ours"), vendor};
  EXPECT_THAT(make_backends(both).error(), AllOf(HasSubstr("arm 'vendor'"), HasSubstr("key")));
  both.arms[1].key_file = file("vendor.key", "theirs");
  const auto backends = make_backends(both);
  ASSERT_TRUE(backends) << backends.error();
  EXPECT_EQ(backends->at(0).key, "sesame");
  EXPECT_EQ(backends->at(1).key, "theirs");
  EXPECT_EQ(producer_name(backends->at(1).config, backends->at(1).endpoint), "vendor.example");
  both.arms[1].producer = "team";
  const auto named = make_backends(both).value();
  EXPECT_EQ(producer_name(named[1].config, named[1].endpoint), "team");
}

TEST_F(BackendFiles, SilenceFilesAreReadAndWhatWillNotDoIsNamed) {
  ProviderConfig silent = config();
  silent.silence = Silence::kThreshold;
  silent.silence_file = file("s.json", R"({"v": 1, "kind": "silence", "threshold": -2})");
  EXPECT_THAT(make_backends(silent).value()[0].silence,
              Optional(schema::SilenceRule{-2, std::nullopt}));
  silent.silence = Silence::kHead;
  EXPECT_THAT(make_backends(silent).error(), AllOf(HasSubstr("s.json"), HasSubstr("no head")));
  silent.silence_file = file("bad.json", "{}");
  EXPECT_THAT(make_backends(silent).error(), HasSubstr("strop-collector calibrate"));
  silent.silence_file = folder_ / "none.json";
  EXPECT_THAT(make_backends(silent).error(), HasSubstr("strop-collector calibrate"));
  silent.silence = Silence::kOff;
  EXPECT_TRUE(make_backends(silent)) << "it is not needed";
}

std::vector<Backend> arms(const std::vector<std::pair<std::string, double>>& weights) {
  std::vector<Backend> out;
  for (const auto& [name, weight] : weights) {
    Backend backend;
    backend.arm = name;
    backend.weight = weight;
    out.push_back(std::move(backend));
  }
  return out;
}

TEST(ChooseBackend, GivesEachArmItsShareAndKeepsToIt) {
  const auto three = arms({{"a", 1}, {"b", 2}, {"c", 1}});
  std::array<int, 3> counts{};
  for (int user = 0; user < 4000; ++user) {
    const std::size_t chosen = choose_backend(three, std::to_string(user));
    ++counts.at(chosen);
    ASSERT_EQ(choose_backend(three, std::to_string(user)), chosen);
  }
  // Four standard deviations: 4·√(4000·¼·¾) = 110, 4·√(4000·½·½) = 127.
  EXPECT_NEAR(counts[0], 1000, 110);
  EXPECT_NEAR(counts[1], 2000, 127);
  EXPECT_NEAR(counts[2], 1000, 110);
}

TEST(ChooseBackend, AnotherExperimentIsAnotherDraw) {
  const auto one = arms({{"a", 1}, {"b", 1}});
  const auto other = arms({{"a", 1}, {"c", 1}});
  int same = 0;
  for (int user = 0; user < 1000; ++user)
    same += choose_backend(one, std::to_string(user)) == choose_backend(other, std::to_string(user))
                ? 1
                : 0;
  EXPECT_NEAR(same, 500, 64);
}

class ArmsTest : public ProviderTest {
 protected:
  // Whoever is asked answers with the arm's model.
  void start_arms(Provider::Permit permit) {
    serve([](const ServerRequest& request) {
      return request.body["model"] == "broken"
                 ? ServerReply{.status = 500}
                 : ServerReply{.body =
                                   completion_of({request.body["model"].get<std::string>()}, "")};
    });
    config_.url = server_->url();
    config_.cache = 0;
    for (const char* name : {"a", "b"}) {
      config_.arms.push_back(arm(name));
      config_.arms.back().model = model_of_.value_or(std::string("model-") + name);
    }
    start_with(make_backends(config_).value(), std::move(permit));
  }
  InlineAnswer answer_in(const std::string& uri) {
    InlineAsk ask = ask_of(std::to_string(++asked_));
    ask.uri = uri;
    provider_->ask(ask);
    return answers_.next();
  }
  std::optional<std::string> model_of_;
  int asked_ = 0;
};

TEST_F(ArmsTest, AnAnswerIsOfOneArmAndSaysWhich) {
  start_arms([](InlineAsk& ask) {
    ask.user = ask.uri;
    return true;
  });
  std::set<std::string> seen;
  for (int user = 0; user < 12; ++user) {
    const InlineAnswer answer = answer_in("file:///user" + std::to_string(user));
    const std::string name = answer.note.arm.value();
    EXPECT_THAT(answer.texts, ElementsAre("model-" + name));
    EXPECT_EQ(answer.note.model, "model-" + name);
    EXPECT_EQ(answer_in("file:///user" + std::to_string(user)).note.arm, name) << "kept";
    seen.insert(name);
  }
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(ArmsTest, ByRepositoryAllItsFilesHaveOneArm) {
  config_.arms_by = "repository";
  start_arms([](InlineAsk& ask) {
    ask.user = "me";
    ask.repository = ask.uri.substr(0, ask.uri.rfind('/'));
    return true;
  });
  std::set<std::string> seen;
  for (int repository = 0; repository < 12; ++repository) {
    const std::string folder = "file:///" + std::to_string(repository) + "/";
    const auto first = answer_in(folder + "a").note.arm;
    EXPECT_EQ(answer_in(folder + "b").note.arm, first);
    seen.insert(first.value());
  }
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(ArmsTest, ByRepositoryAFileInNoneIsTheUsers) {
  config_.arms_by = "repository";
  start_arms([](InlineAsk& ask) {
    ask.user = "me";
    return true;
  });
  const auto first = answer_in("file:///1").note.arm;
  for (int file = 2; file < 8; ++file)
    EXPECT_EQ(answer_in("file:///" + std::to_string(file)).note.arm, first);
}

TEST_F(ArmsTest, AnArmWithoutAServerIsEmptyAndCounted) {
  model_of_ = "broken";
  start_arms([](InlineAsk&) { return true; });
  EXPECT_THAT(answer_in("file:///1").texts, IsEmpty());
  EXPECT_EQ(provider_->counts().failed, 1U);
}

}  // namespace
}  // namespace strop::agent::test
