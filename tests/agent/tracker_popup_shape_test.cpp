// Items of popup lists in the shapes that editors give an accept, and what only looks like one.
#include "agent/popup_fixture.h"

namespace strop::agent::test {
namespace {

using testing::ElementsAre;

TEST_F(PopupTest, ShapeOfEglot) {
  open("w.comp|;");
  offer_list(labels({"compute_area"}));
  change({{2, 6, ""}, {2, 2, "compute_area"}, {6, 14, ""}, {2, 6, ""}, {2, 2, "compute_area"}});
  expect("accepted by state 'compute_area'");
}

TEST_F(PopupTest, ShapeOfLspMode) {
  open("w.comp|;");
  offer_list({{{"label", "compute_area (double)"}, {"insertText", "compute_area"}}});
  wait_ms(200);
  edit(2, 6, "");
  edit(2, 2, "compute_area (double)");
  edit(2, 23, "");
  edit(2, 2, "comp");
  edit(2, 6, "");
  edit(2, 2, "compute_area");
  expect("accepted by state 'compute_area'");
}

TEST_F(PopupTest, ShapeOfLspModeWithThePlainLabel) {
  open("w.comp|;");
  offer_list(labels({"compute_area"}));
  wait_ms(200);
  edit(2, 6, "");
  edit(2, 2, "compute_area");
  edit(2, 14, "");
  edit(2, 2, "comp");
  edit(2, 6, "");
  edit(2, 2, "compute_area");
  expect("accepted by state 'compute_area'");
}

TEST_F(PopupTest, ShapeOfOldNeovimTakesTheLongestItem) {
  open("w.disp|;");
  offer_list(labels({"display", "display_name"}));
  wait_ms(130);
  std::vector<Change> changes{{5, 6, ""}, {4, 5, ""}, {3, 4, ""}, {2, 3, ""}};
  const std::string keys = "display_name(";
  for (std::size_t i = 0; i < keys.size(); ++i)
    changes.push_back({2 + i, 2 + i, keys.substr(i, 1)});
  change(changes);
  expect("accepted by state 'display_name'");
}

TEST_F(PopupTest, OldNeovimGoesThroughTheItems) {
  open("w.disp|;");
  offer_list(labels({"display_name", "display_order"}));
  wait_ms(130);
  edit(2, 6, "display_name");
  wait_ms(900);
  edit(2, 14, "display_order");
  type(";");
  expect("accepted by state 'display_order'");
}

TEST_F(PopupTest, AnItemTakenBackIsUnknown) {
  open("w.disp|;");
  offer_list(labels({"display_name"}));
  wait_ms(600);
  edit(2, 6, "display_name");
  wait_ms(900);
  edit(2, 14, "disp");
  expect();
  close();
  EXPECT_THAT(outcomes(), ElementsAre("unknown"));
}

TEST_F(PopupTest, TypedOutIsNotAccepted) {
  open("w.|;");
  offer_list(labels({"count"}));
  wait_ms(200);
  type("count");
  close();
  EXPECT_THAT(outcomes(), ElementsAre("ignored/closed"));
}

TEST_F(PopupTest, ManyKeysInOneNotificationAreUnknown) {
  open("w.|;");
  offer_list(labels({"count"}));
  wait_ms(600);
  std::vector<Change> keys;
  for (std::size_t i = 0; i < 5; ++i)
    keys.push_back({2 + i, 2 + i, std::string("count").substr(i, 1)});
  change(keys);
  close();
  EXPECT_THAT(outcomes(), ElementsAre("unknown"));
}

TEST_F(PopupTest, MoreCharactersThanFingersTypeAreAnItem) {
  open("w.|;");
  type("abcdefghijklmnopqrstuvwxyz = w.c");  // one key at a time, as this client tells them
  wait_ms(600);
  offer_list(labels({"compute"}));
  wait_ms(600);
  const std::size_t begin = cursor - 1;
  std::vector<Change> keys{{begin, cursor, ""}};
  for (std::size_t i = 0; i < 7; ++i)
    keys.push_back({begin + i, begin + i, std::string("compute").substr(i, 1)});
  change(keys);
  expect("accepted by state 'compute'");
}

TEST_F(PopupTest, ItemsLookedThroughKeyByKeyInOneNotification) {
  const auto put = [this](std::size_t begin, const std::string& item) {
    std::vector<Change> keys;
    for (std::size_t at = cursor; at > begin; --at) keys.push_back({at - 1, at, ""});
    for (std::size_t i = 0; i < item.size(); ++i)
      keys.push_back({begin + i, begin + i, item.substr(i, 1)});
    change(keys);
  };
  for (const auto& [other, item] :
       {std::pair{"Tag_List", "filename"}, {"overline_extra", "overline"}}) {
    begin_session();
    events.clear();
    open("call | there");
    offer_list(labels({item, other}));
    type(std::string(item).substr(0, 2));
    wait_ms(900);
    put(5, other);
    wait_ms(600);
    put(5, item);
    wait_ms(900);
    type(" ");
    expect(std::string("accepted by state '") + item + "'");
  }
}

TEST_F(PopupTest, AKeyPressedWithManyCursorsIsAKey) {
  open("w.|;\nw.;\nw.;\nw.;\n");
  type("abcdefghijklmnopqrstuvwxyz");
  edit(2, cursor, "");
  offer_list(labels({"compute"}));
  wait_ms(600);
  std::size_t typed = 0;
  for (const char key : std::string("compute")) {
    std::vector<Change> keys;
    for (std::size_t line = 4; line-- > 0;) {
      const std::size_t at = 2 + line * (4 + typed) + typed;
      keys.push_back({at, at, std::string(1, key)});
    }
    change(keys);
    ++typed;
    wait_ms(150);
  }
  close();
  EXPECT_THAT(outcomes(), ElementsAre(testing::Not(testing::HasSubstr("accepted"))));
}

TEST_F(PopupTest, WhatIsTypedBehindACutIsNoItem) {
  open("w.|;");
  offer_list(labels({"objc_preprocessor", "objcpp"}));
  type("ob");
  wait_ms(900);
  edit(2, 4, "objc_preprocessor");
  wait_ms(600);
  edit(6, cursor, "");
  for (const char* key : {"p", "p"}) {
    wait_ms(200);
    type(key);
  }
  expect("accepted by state 'objc_preprocessor'");
}

TEST_F(PopupTest, AnItemWrittenInStepsIsNoPartOfTheGhostText) {
  open("w.|;");
  type("comp");
  offer_items({{"ute_area + 1", 0, {}}});
  offer_list(labels({"compute_area"}));
  wait_ms(700);
  for (const std::string with : {"", "compute_area", "", "comp", "", "compute_area"}) {
    edit(2, cursor, with);
    wait_ms(1);
  }
  wait_ms(900);
  type("x");
  expect_in_any_order("accepted by state 'compute_area'", "ignored/moved_away");
}

}  // namespace
}  // namespace strop::agent::test
