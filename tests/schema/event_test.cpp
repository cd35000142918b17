// Events: what is written is read back, and what is no event is refused by name.
#include "schema/event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace strop::schema {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Event about(decltype(Event::body) body) {
  Event event;
  event.suggestion = "s1";
  event.t_ms = 1234.5;
  event.uri = "file:///w/a.py";
  event.language = "python";
  event.server = "pylsp";
  event.source = Source::kPopup;
  event.dialect = "lsp-completion";
  event.body = std::move(body);
  return event;
}

std::vector<Event> one_of_each() {
  Offered offered;
  offered.position = {3, 7};
  offered.candidates = {{"x + y", "x", 0, -1.5, 0.1}, {"x", "", 1, std::nullopt}};
  offered.prefix = "a\n";
  offered.suffix = "«ä»\n";
  offered.prompt = PromptKind::kExact;
  offered.prompt_hash = "ab";
  offered.model = "m";
  offered.arm = "b";
  offered.propensity = 0.05;
  offered.latency_ms = 12;
  Outcome outcome;
  outcome.outcome = OutcomeKind::kDismissed;
  outcome.how = How::kDeleted;
  outcome.evidence = Evidence::kEditor;
  outcome.confidence = 0.97;
  outcome.candidate = 1;
  outcome.text = "x";
  outcome.accepted_chars = 1;
  outcome.display_ms = 800;
  outcome.corrects = "accepted";
  Settled settled;
  settled.after_ms = 300'000;
  settled.final = true;
  settled.text = "x - y";
  settled.kept_chars = 3;
  settled.token_edits = 1;
  settled.flags = {"undo", "foreign"};
  settled.diagnostics_before = {{"error", 1}};
  settled.diagnostics_after = {{"warning", 2}};
  Event placed = about(offered);
  placed.repo = "r";
  placed.commit = "c";
  placed.path = "a.py";
  Event gap = about(Gap{10, 12, "forgotten"});
  gap.suggestion.clear();
  return {placed,
          about(Offered{}),
          about(Shown{Presence::kRendered}),
          about(outcome),
          about(settled),
          about(Rated{{{"security", -1}}, "no"}),
          gap};
}

TEST(Event, IsReadBackAsItWasWritten) {
  for (const Event& event : one_of_each()) {
    const json written = event_to_json(event);
    EXPECT_EQ(written.at("v"), 1);
    EXPECT_EQ(written.at("type"), type_name(event));
    const auto read = event_from_json(json::parse(written.dump()));
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(*read, event) << written.dump(2);
  }
}

TEST(Event, EveryWordHasItsValueAndTheWayBack) {
  for (const auto outcome : {OutcomeKind::kAccepted, OutcomeKind::kPartial,
                             OutcomeKind::kTypedThrough, OutcomeKind::kDismissed,
                             OutcomeKind::kIgnored, OutcomeKind::kUnseen, OutcomeKind::kUnknown})
    for (const auto how : {How::kNone, How::kExplicit, How::kTypedOver, How::kDeleted,
                           How::kMovedAway, How::kSuperseded, How::kClosed, How::kSibling})
      for (const auto evidence :
           {Evidence::kCommand, Evidence::kEditor, Evidence::kState, Evidence::kTimeout}) {
        Outcome told;
        told.outcome = outcome;
        told.how = how;
        told.evidence = evidence;
        const Event event = about(told);
        EXPECT_EQ(event_from_json(event_to_json(event)), event);
      }
}

TEST(Event, FieldsOfALaterVersionArePassedOver) {
  json written = event_to_json(about(Shown{}));
  written["later"] = {{"x", 1}};
  const auto read = event_from_json(written);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, about(Shown{}));
}

TEST(Event, WhatIsNoneIsRefusedByName) {
  const std::string head = R"("v":1,"t_ms":1,"source":"inline",)";
  struct {
    std::string text;
    std::string says;
  } const table[] = {
      {"null", "not an event"},
      {"[]", "not an event"},
      {"7", "not an event"},
      {"{}", "'v'"},
      {R"({"v":2,"type":"shown"})", "version 2 is not one this build reads"},
      {R"({"v":"1"})", "'v'"},
      {R"({"v":1.5})", "'v'"},
      {R"({"v":true})", "'v'"},
      {R"({"v":1e300})", "'v'"},
      {R"({"v":1})", "'t_ms'"},
      {R"({"v":1,"t_ms":"x"})", "must be number"},
      {R"({"v":1,"t_ms":1,"source":"radio","type":"shown"})", "'source' has the unknown value"},
      {"{" + head + R"("type":"new"})", "type 'new' is unknown"},
      {"{" + head + R"("type":7})", "actual type is number"},
      {"{" + head + R"("type":"shown","presence":"maybe"})", "'presence'"},
      {"{" + head + R"("type":"shown"})", "'presence'"},
      {"{" + head + R"("type":"shown","presence":"rendered","uri":7})", "must be string"},
      {"{" + head + R"("type":"offered"})", "'position'"},
      {"{" + head + R"("type":"offered","position":{"line":0,"character":0}})", "'candidates'"},
      {"{" + head +
           R"("type":"offered","position":{"line":0,"character":0},"candidates":[{}],"prompt":"exact"})",
       "'text'"},
      {"{" + head + R"("type":"outcome","outcome":"won","evidence":"state","confidence":1})",
       "'outcome' has the unknown value 'won'"},
      {"{" + head + R"("type":"outcome","outcome":"accepted","evidence":"state"})", "'confidence'"},
      {"{" + head + R"("type":"settled","after_ms":1})", "'final'"},
      {"{" + head + R"("type":"settled","after_ms":1,"final":true,"flags":"undo"})", "must be"},
      {"{" + head + R"("type":"rated","dimensions":[1]})", "'dimensions' must be an object"},
      {"{" + head + R"("type":"gap"})", "'seq'"},
      {"{" + head + R"("type":"gap","seq":[1]})", "out of range"},
      {"{" + head + R"("type":"gap","seq":"1-2"})", "not an event"},
  };
  for (const auto& [text, says] : table) {
    const auto read = event_from_json(json::parse(text));
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error(), HasSubstr("not an event")) << text;
    EXPECT_THAT(read.error(), HasSubstr(says)) << text;
  }
}

// The lines of FORMAT.md's example are events, and written as they stand there.
TEST(Event, TheFormatsExampleIsWhatThisCodeWrites) {
  std::ifstream format(std::string(STROP_SOURCE_DIR) + "/schema/FORMAT.md");
  bool inside = false;
  std::string types;
  for (std::string line; std::getline(format, line);) {
    if (line == "```json events")
      inside = true;
    else if (line == "```")
      inside = false;
    else if (inside) {
      const json written = json::parse(line);
      const auto event = event_from_json(written);
      ASSERT_TRUE(event) << event.error() << ": " << line;
      EXPECT_EQ(event_to_json(*event), written);
      types += std::string(type_name(*event)) + " ";
    }
  }
  EXPECT_EQ(types, "offered shown outcome settled ");
}

}  // namespace
}  // namespace strop::schema
