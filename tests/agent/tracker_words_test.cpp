// What an extension of Strop's own reports of an item: shown, partly accepted, rejected, rated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/tracker_fixture.h"

namespace strop::agent::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kAccept = "strop.accept.1";

class TrackerWordsTest : public TrackerTest {
 protected:
  TrackerWordsTest() {
    TrackerOptions options;
    options.accept_command = kAccept;
    begin_session(Counts::kUtf16, false, options);
    open("int x = |;");
  }

  // An item as the editor has it: the agent's command around it.
  static json wrapped(int request, int item, const std::string& command = kAccept) {
    return {{"insertText", "ignored"},
            {"command",
             {{"title", ""},
              {"command", command},
              {"arguments", {{{"request", request}, {"item", item}}}}}}};
  }
  int offer_two(const std::string& first, const std::string& second) {
    const int id = ask();
    answer(id, {{first, 0, {}}, {second, 0, {}}});
    return id;
  }
  // `whole` is offered and shown; after "al" of it is typed, the rest is. The answer with the rest.
  int offer_typed_into(const std::string& whole) {
    const int first = offer_two(whole, "42");
    tell("strop/didShow", {{"item", wrapped(first, 0)}});
    type("al");
    const int id = ask();
    answer(id, {{whole.substr(2), 0, {}}});
    tell("strop/didShow", {{"item", wrapped(id, 0)}});
    return id;
  }
};

TEST_F(TrackerWordsTest, ShownIsRendered) {
  const int id = offer_two("41", "42");
  tell("strop/didShow", {{"item", wrapped(id, 0)}});
  wait_ms(600);
  tab();
  expect("accepted by state '41'");
  const auto shown = all<Shown>();
  EXPECT_EQ(shown.back().presence, schema::Presence::kRendered);
}

TEST_F(TrackerWordsTest, AnAcceptedPartIsTold) {
  const int id = offer_two("alpha beta", "42");
  tell("strop/didShow", {{"item", wrapped(id, 0)}});
  wait_ms(600);
  insert("alpha ");
  tell("strop/didPartiallyAccept", {{"item", wrapped(id, 0)}, {"acceptedLength", 6}});
  wait_ms(10);
  insert("z");
  expect("partial by editor 'alpha '");
  EXPECT_EQ(all<Outcome>()[0].accepted_chars, 6);
}

TEST_F(TrackerWordsTest, ADeliberateRejectIsExplicitAtAnyDuration) {
  const int id = offer_two("41", "42");
  tell("strop/didShow", {{"item", wrapped(id, 0)}});
  wait_ms(50);
  tell("strop/didReject", {{"item", wrapped(id, 0)}});
  expect("dismissed/explicit");
}

TEST_F(TrackerWordsTest, AnItemOfAnotherAgentIsNoWord) {
  const int id = offer_two("41", "42");
  wait_ms(600);
  tell("strop/didReject", {{"item", wrapped(id, 0, "strop.accept.2")}});
  tell("strop/didReject", {{"item", wrapped(id + 1, 0)}});
  tell("strop/didReject", {{"item", wrapped(id, 9)}});
  wait_ms(5'000);
  EXPECT_THAT(outcomes(), IsEmpty());
}

TEST_F(TrackerWordsTest, ARatingIsOfTheItemItNames) {
  const int first = offer_two("41", "43");
  wait_ms(600);
  insert("7");
  wait_ms(3'000);
  offer("99");
  tab();
  wait_ms(3'000);
  ASSERT_THAT(outcomes(), SizeIs(2));
  tell("strop/rate", {{"item", wrapped(first, 0)}, {"dimensions", {{"correctness", -1}}}});
  ASSERT_THAT(all<schema::Rated>(), SizeIs(1));
  EXPECT_EQ(events.back().suggestion, events.front().suggestion);
  tell("strop/rate", {{"item", {{"insertText", "41"}}}, {"reason", "wrong"}});
  EXPECT_EQ(events.back().suggestion, events.front().suggestion);
  tell("strop/rate", {{"item", wrapped(first + 50, 0)}, {"reason", "of nothing known"}});
  EXPECT_THAT(all<schema::Rated>(), SizeIs(2));
}

TEST_F(TrackerWordsTest, ARatingThatNamesNothingIsOfTheLastAccepted) {
  offer("41");
  tab();
  wait_ms(3'000);
  tell("strop/rate", {{"reason", "good"}});
  ASSERT_THAT(all<schema::Rated>(), SizeIs(1));
  EXPECT_EQ(all<schema::Rated>()[0].reason, "good");
  tell("strop/rate", json::object());
  EXPECT_THAT(all<schema::Rated>(), SizeIs(1));
}

TEST_F(TrackerWordsTest, ARatingCountsAfterAllHasSettledToo) {
  const int id = offer_two("41", "43");
  wait_ms(600);
  tab();
  wait_ms(900'000);
  ASSERT_TRUE(all<schema::Settled>().at(3).final);
  tell("strop/rate", {{"item", wrapped(id, 0)}, {"dimensions", {{"security", 1}}}});
  ASSERT_THAT(all<schema::Rated>(), SizeIs(1));
  EXPECT_EQ(events.back().suggestion, events.front().suggestion);
  close();
  tell("strop/rate", {{"item", wrapped(id, 0)}, {"reason", "after it was closed"}});
  ASSERT_THAT(all<schema::Rated>(), SizeIs(2));
  EXPECT_EQ(events.back().suggestion, events.front().suggestion);
}

TEST_F(TrackerWordsTest, WhatHasSettledTakesNoLateAccept) {
  const int id = offer_two("41", "43");
  wait_ms(600);
  insert("7");
  wait_ms(900'000);
  ASSERT_TRUE(all<schema::Settled>().at(3).final);
  client(
      {{"id", 900}, {"method", "workspace/executeCommand"}, {"params", wrapped(id, 0)["command"]}});
  expect("dismissed/typed_over");
}

TEST_F(TrackerWordsTest, OfManyThatWereRatedLateTheOldestAreForgotten) {
  const int first = offer_two("0", "00");
  for (int i = 1; i < 700; ++i) {
    wait_ms(700);
    insert(" ");
    offer(std::to_string(i) + ";");
  }
  wait_ms(5'000);
  tell("strop/rate", {{"item", wrapped(first, 0)}, {"reason", "long ago"}});
  EXPECT_THAT(all<schema::Rated>(), IsEmpty());
  tell("strop/rate", {{"item", wrapped(first + 300, 0)}, {"reason", "some time ago"}});
  EXPECT_THAT(all<schema::Rated>(), SizeIs(1));
}

TEST_F(TrackerWordsTest, APartOfWhatIsOfferedAgainCountsFromItsOwnStart) {
  const int id = offer_typed_into("alpha beta gamma");
  wait_ms(600);
  insert("pha ");
  tell("strop/didPartiallyAccept", {{"item", wrapped(id, 0)}, {"acceptedLength", 4}});
  wait_ms(10);
  insert("z");
  expect("partial by editor 'alpha '");
}

TEST_F(TrackerWordsTest, ItIsRenderedOnceHoweverOftenTheEditorTells) {
  offer_typed_into("alpha");
  EXPECT_THAT(all<Shown>(), SizeIs(2)) << "presumed, then rendered";
}

}  // namespace
}  // namespace strop::agent::test
