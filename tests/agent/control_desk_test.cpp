// Requests of an extension are answered in order, none of them where it was asked.
#include "agent/control_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <vector>

#include "support/temporary_folder.h"

namespace strop::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A desk whose answers wait until they may come.
class ControlDeskTest : public testing::Test {
 protected:
  bool ask(const std::string& id, const std::string& uri = "file:///a") {
    return desk_.ask({"strop/status", id, R"({"params":{"uri":")" + uri + R"("}})"},
                     [this, id](const std::string& body) {
                       ids_.push_back(id);
                       bodies_.push_back(body);
                     });
  }

  support::TemporaryFolder folder_;
  std::promise<void> may_answer_;
  std::shared_future<void> wait_{may_answer_.get_future()};
  std::vector<std::string> ids_;  // the desk's thread writes them; read when it has stopped
  std::vector<std::string> bodies_;
  Control control_{{.mode = Mode::kFull, .state = folder_ / "state"},
                   [this](std::string_view uri) {
                     wait_.wait();
                     if (uri == "file:///fault") throw std::runtime_error("no rules");
                     return CaptureRuling{Captured::kFull, "rule"};
                   },
                   [](std::string_view) { return std::nullopt; },
                   [] {}};
  ControlDesk desk_{control_};
};

TEST_F(ControlDeskTest, AskingWaitsForNoAnswerAndStoppingForAll) {
  EXPECT_TRUE(ask("1"));
  EXPECT_TRUE(ask("2"));
  EXPECT_TRUE(ask("3", "file:///fault"));
  may_answer_.set_value();
  desk_.stop();
  EXPECT_THAT(ids_, ElementsAre("1", "2", "3"));
  EXPECT_THAT(bodies_[0], HasSubstr(R"("capturing":"full")"));
  EXPECT_THAT(bodies_[2], HasSubstr("no rules"));
  EXPECT_FALSE(ask("4"));
}

TEST_F(ControlDeskTest, WhatThereIsNoRoomForIsRefused) {
  std::size_t taken = 0;
  while (taken <= ControlDesk::kMostWaiting && ask(std::to_string(taken))) ++taken;
  // One of them may be with the thread already.
  EXPECT_GE(taken, ControlDesk::kMostWaiting);
  EXPECT_LE(taken, ControlDesk::kMostWaiting + 1);
  may_answer_.set_value();
  desk_.stop();
  EXPECT_EQ(ids_.size(), taken);
}

}  // namespace
}  // namespace strop::agent
