// Edits that servers make: applied, kept, mended, reverted, refused, hunk by hunk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/tracker_fixture.h"

namespace strop::agent::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class TrackerEditTest : public TrackerTest {
 protected:
  json text_edit(const std::string& what, const std::string& with) const {
    const std::size_t begin = text.find(what);
    return {{"range", range(begin, begin + what.size())}, {"newText", with}};
  }
  json insertion(std::size_t at, const std::string& with) const {
    return {{"range", range(at, at)}, {"newText", with}};
  }
  // The server asks for an edit; gives the request's id.
  std::string apply_edit(const std::vector<json>& edits) {
    const std::string id = "apply-" + std::to_string(++applies_);
    server({{"id", id},
            {"method", "workspace/applyEdit"},
            {"params", {{"edit", {{"changes", {{uri, edits}}}}}}}});
    return id;
  }
  void applied(const std::string& id, bool really = true) {
    client({{"id", id}, {"result", {{"applied", really}}}});
  }
  void replace(const std::string& what, const std::string& with) {
    const std::size_t begin = text.find(what);
    ASSERT_NE(begin, std::string::npos);
    edit(begin, begin + what.size(), with);
  }
  void offer_actions(const std::vector<json>& actions) {
    client({{"id", 500},
            {"method", "textDocument/codeAction"},
            {"params", {{"textDocument", {{"uri", uri}}}, {"range", range(0, 0)}}}});
    server({{"id", 500}, {"result", actions}});
  }
  json action(const std::vector<json>& edits, const json& command = nullptr) const {
    json out{{"title", "Mend"}, {"edit", {{"changes", {{uri, edits}}}}}};
    if (!command.is_null()) out["command"] = command;
    return out;
  }
  void offer_inline_edit(const std::string& what, const std::string& with) {
    const std::size_t begin = text.find(what);
    client({{"id", 600},
            {"method", "textDocument/copilotInlineEdit"},
            {"params", {{"textDocument", {{"uri", uri}}}, {"position", range(0, 0)["start"]}}}});
    server({{"id", 600},
            {"result",
             {{"edits",
               {{{"text", with},
                 {"textDocument", {{"uri", uri}}},
                 {"range", range(begin, begin + what.size())},
                 {"command", inline_command("Accept")}}}}}}});
  }
  static json inline_command(const std::string& what) {
    return {{"title", "t"},
            {"command", "github.copilot.did" + what + "NextEditSuggestionItem"},
            {"arguments", {"u-1"}}};
  }
  void execute(const json& command) {
    client({{"id", 700}, {"method", "workspace/executeCommand"}, {"params", command}});
  }
  void show_inline_edit() {
    tell("textDocument/didShowInlineEdit", {{"item", {{"command", inline_command("Accept")}}}});
  }

 private:
  int applies_ = 0;
};

// ---- workspace/applyEdit

TEST_F(TrackerEditTest, AnAppliedEditIsAcceptedByTheEditorsWord) {
  open("int width = 1;\nint height = wdith;\n|");
  const std::string id = apply_edit({text_edit("wdith", "width")});
  ASSERT_THAT(all<Offered>(), SizeIs(1));
  EXPECT_EQ(all<Offered>()[0].candidates[0].text, "width");
  EXPECT_EQ(all<Offered>()[0].candidates[0].replaces, "wdith");
  EXPECT_EQ(all<Offered>()[0].prefix, "int width = 1;\nint height = ");
  EXPECT_EQ(all<Offered>()[0].suffix, ";\n");
  EXPECT_EQ(events[0].source, schema::Source::kEdit);
  EXPECT_EQ(events[0].dialect, "lsp-apply-edit");
  replace("wdith", "width");
  applied(id);
  expect("accepted by editor 'width'");
}

TEST_F(TrackerEditTest, TheAnswerMayComeBeforeTheText) {
  open("a\nb\n|");
  const std::string id = apply_edit({text_edit("a", "alpha")});
  applied(id);
  wait_ms(50);
  replace("a", "alpha");
  expect("accepted by editor 'alpha'");
}

TEST_F(TrackerEditTest, WithoutAnAnswerTheTextTells) {
  open("a\nb\n|");
  apply_edit({text_edit("a", "alpha")});
  replace("a", "alpha");
  expect("accepted by state 'alpha'");
}

TEST_F(TrackerEditTest, FarHunksAreSuggestionsOfTheirOwn) {
  open("one\n2\n3\n4\nfive\n|");
  const std::string id = apply_edit({text_edit("five", "fünf"), text_edit("one", "eins")});
  ASSERT_THAT(all<Offered>(), SizeIs(2));
  change({{text.find("five"), text.find("five") + 4, "fünf"}, {0, 3, "eins"}});
  applied(id);
  expect("accepted by editor 'eins'", "accepted by editor 'fünf'");
  EXPECT_NE(events[0].suggestion, events[1].suggestion);
}

TEST_F(TrackerEditTest, ChangesOfOneLineAreOneHunk) {
  open("call(a, b);\n|");
  const std::string id = apply_edit({text_edit("call", "invoke"), text_edit("b)", "c)")});
  ASSERT_THAT(all<Offered>(), SizeIs(1));
  EXPECT_EQ(all<Offered>()[0].candidates[0].text, "invoke(a, c)");
  change({{8, 9, "c"}, {0, 4, "invoke"}});
  applied(id);
  expect("accepted by editor 'invoke(a, c)'");
}

TEST_F(TrackerEditTest, AnEditorMaySendTheWholeText) {
  begin_session(Counts::kUtf16, /*full_sync=*/true);
  open("int a = old;\nint b;\n|");
  const std::string id = apply_edit({text_edit("old", "fresh")});
  replace("old", "fresh");
  applied(id);
  expect("accepted by editor 'fresh'");
}

TEST_F(TrackerEditTest, FarHunksMayBeToldAsOneStretch) {
  begin_session(Counts::kUtf16, /*full_sync=*/true);
  open("one\n2\n3\n4\nfive\n6\n7\n8\n|");
  const std::string id = apply_edit(
      {text_edit("five", "fünf"), text_edit("one", "eins"), insertion(text.find("8"), "acht\n")});
  change({{text.find("8"), text.find("8"), "acht\n"},
          {text.find("five"), text.find("five") + 4, "fünf"},
          {0, 3, "eins"}});
  applied(id);
  expect("accepted by editor 'eins'", "accepted by editor 'fünf'", "accepted by editor 'acht\n'");
}

TEST_F(TrackerEditTest, InADocumentOfWindowsLines) {
  open("a\r\nb\r\n|");
  const std::string id = apply_edit({insertion(3, "one\ntwo\n")});
  edit(3, 3, "one\r\ntwo\r\n");
  applied(id);
  expect("accepted by editor 'one\r\ntwo\r\n'");
}

TEST_F(TrackerEditTest, AnInsertionThatRepeatsWhatIsThere) {
  open("f(a);\n|");
  const std::string id = apply_edit({insertion(2, "a, ")});
  edit(3, 3, ", a");  // the same text, told otherwise
  applied(id);
  expect("accepted by editor 'a, '");
}

TEST_F(TrackerEditTest, DeletionsToo) {
  open("#include <a>\n#include <b>\nint x;\n|");
  const std::string id = apply_edit({text_edit("#include <b>\n", "")});
  replace("#include <b>\n", "");
  applied(id);
  expect("accepted by editor ''");
}

TEST_F(TrackerEditTest, WhatAnEditorRefusesOrDoesNotDoIsUnknown) {
  open("a\nb\n|");
  applied(apply_edit({text_edit("a", "alpha")}), false);
  expect("unknown");
  applied(apply_edit({text_edit("b", "beta")}));
  wait_ms(15'000);
  EXPECT_THAT(outcomes(), ElementsAre("unknown", "unknown"));
}

TEST_F(TrackerEditTest, EditsOfAnotherVersionOrDocumentAreNotFollowed) {
  open("a\n|");
  server({{"id", 1},
          {"method", "workspace/applyEdit"},
          {"params",
           {{"edit",
             {{"documentChanges",
               {{{"textDocument", {{"uri", uri}, {"version", 77}}},
                 {"edits", {text_edit("a", "alpha")}}},
                {{"kind", "delete"}, {"uri", uri}},
                {{"textDocument", {{"uri", "file:///other"}, {"version", nullptr}}},
                 {"edits", {text_edit("a", "alpha")}}}}}}}}}});
  EXPECT_THAT(events, IsEmpty());
  server({{"id", 2}, {"method", "workspace/applyEdit"}, {"params", {{"edit", {{"changes", 7}}}}}});
  EXPECT_EQ(tracker->counters().malformed, 1u);
}

TEST_F(TrackerEditTest, WhatItLeavesSettles) {
  open("int width = 1;\nint height = wdith;\n|");
  const std::string id = apply_edit({text_edit("wdith", "width * 2")});
  replace("wdith", "width * 2");
  applied(id);
  wait_ms(1'000);
  replace("width * 2", "width * 3");
  wait_ms(400'000);
  const Settled last = settled();
  EXPECT_EQ(last.text, "width * 3");
  EXPECT_EQ(last.kept_chars, 8);
  EXPECT_THAT(last.flags, IsEmpty());
}

TEST_F(TrackerEditTest, ARevertIsFlagged) {
  open("int height = wdith;\n|");
  const std::string id = apply_edit({text_edit("wdith", "width")});
  replace("wdith", "width");
  applied(id);
  wait_ms(2'000);
  replace("width", "wdith");
  wait_ms(400'000);
  EXPECT_THAT(settled().flags, Contains("undo"));
}

TEST_F(TrackerEditTest, AnEditOfTheServersIsNotForeignToAnother) {
  open("x = |;\n");
  offer("compute(1)");
  wait_ms(600);
  tab();
  wait_ms(2'000);
  const std::string id = apply_edit({text_edit("compute(1)", "calculate(one)")});
  replace("compute(1)", "calculate(one)");
  applied(id);
  wait_ms(400'000);
  for (const Settled& state : all<Settled>(events.front().suggestion))
    EXPECT_THAT(state.flags, testing::Not(Contains("foreign")));
}

TEST_F(TrackerEditTest, WhatACompletionHasDoneNoEditHas) {
  open("x = |;\n");
  offer("compute(1)");
  wait_ms(600);
  apply_edit({insertion(cursor, "compute(1)")});
  tab();
  wait_ms(20'000);
  EXPECT_THAT(outcomes(),
              testing::UnorderedElementsAre("accepted by state 'compute(1)'", "unknown"));
}

// ---- code actions

TEST_F(TrackerEditTest, AMenuThatNobodyTakesFromIsSilent) {
  open("a = 1\n|");
  offer_actions({action({text_edit("a", "alpha")})});
  type("b = 2");
  wait_ms(100'000);
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(TrackerEditTest, ATakenActionIsAccepted) {
  open("a = 1\n|");
  offer_actions({action({text_edit("a", "alpha")}), action({text_edit("1", "one()")})});
  wait_ms(2'000);
  replace("1", "one()");
  expect("accepted by state 'one()'");
  EXPECT_EQ(events[0].dialect, "lsp-code-action");
  ASSERT_THAT(all<Offered>(), SizeIs(1));
}

TEST_F(TrackerEditTest, ItsCommandIsBetterEvidence) {
  open("a = 1\n|");
  const json command{{"title", "t"}, {"command", "server.mended"}, {"arguments", {1}}};
  offer_actions({action({text_edit("1", "one()")}, command)});
  replace("1", "one()");
  execute(command);
  expect("accepted by command 'one()'");
}

TEST_F(TrackerEditTest, TwoActionsThatDoTheSameAreOne) {
  open("a = 1\n|");
  offer_actions({action({text_edit("1", "one()")}), action({text_edit("1", "one()")})});
  replace("1", "one()");
  expect("accepted by state 'one()'");
}

TEST_F(TrackerEditTest, WhatIsTypedByHandIsNoAction) {
  open("a = 1|\n");
  offer_actions({action({insertion(5, ";")})});
  type(";");
  wait_ms(5'000);
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(TrackerEditTest, AResolvedActionIsOne) {
  open("a = 1\n|");
  client({{"id", 501}, {"method", "codeAction/resolve"}, {"params", {{"title", "Mend"}}}});
  server({{"id", 501}, {"result", action({text_edit("1", "one()")})}});
  replace("1", "one()");
  expect("accepted by state 'one()'");
}

// Organizing imports, fixing all: what the editor runs as it saves is no more a choice than
// formatting is.
TEST_F(TrackerEditTest, SourceActionsAreFormattingNoSuggestions) {
  open("x = |;\n");
  offer("compute(1)");
  wait_ms(600);
  tab();
  wait_ms(2'000);
  json organize = action({text_edit("compute(1)", "compute( 1 )"), text_edit("x", "y")});
  organize["kind"] = "source.organizeImports";
  offer_actions({organize});
  edit(0, text.size(), "y = compute( 1 );\n");
  wait_ms(400'000);
  ASSERT_THAT(all<Offered>(), SizeIs(1));
  EXPECT_THAT(settled().flags, Contains("formatter"));
  EXPECT_THAT(settled().flags, testing::Not(Contains("foreign")));
}

// ---- inline edits

TEST_F(TrackerEditTest, AnInlineEditAcceptedByItsCommand) {
  open("wdith = 1\n|");
  offer_inline_edit("wdith", "width");
  show_inline_edit();
  wait_ms(700);
  replace("wdith", "width");
  execute(inline_command("Accept"));
  expect("accepted by command 'width'");
  EXPECT_EQ(events[0].dialect, "copilot-inline-edit");
  EXPECT_EQ(all<Shown>()[0].presence, schema::Presence::kRendered);
  EXPECT_EQ(all<Outcome>()[0].display_ms, 700);
}

TEST_F(TrackerEditTest, AnActionThatWouldDoTheSameIsNotTaken) {
  open("wdith = 1\n|");
  offer_actions({action({text_edit("wdith", "width")})});
  edit(0, 0, " ");  // it stands elsewhere since
  offer_inline_edit("wdith", "width");
  show_inline_edit();
  wait_ms(700);
  replace("wdith", "width");
  execute(inline_command("Accept"));
  expect("accepted by command 'width'");
  EXPECT_THAT(all<Offered>(), SizeIs(1));
}

TEST_F(TrackerEditTest, ARejectIsExplicitAndSettles) {
  open("wdith = 1\n|");
  offer_inline_edit("wdith", "width");
  show_inline_edit();
  wait_ms(100);
  execute(inline_command("Reject"));
  expect("dismissed/explicit");
  wait_ms(400'000);
  EXPECT_EQ(settled().text, "wdith");
}

TEST_F(TrackerEditTest, ARejectIsOfAllThatItsCommandStandsFor) {
  open("wdith = 1\n\n\nhieght = 2\n|");
  const auto one = [&](const std::string& what, const std::string& with) {
    return json{{"text", with},
                {"textDocument", {{"uri", uri}, {"version", 1}}},
                {"range", text_edit(what, with)["range"]},
                {"command", inline_command("Accept")}};
  };
  client({{"id", 600},
          {"method", "textDocument/copilotInlineEdit"},
          {"params", {{"textDocument", {{"uri", uri}}}, {"position", range(0, 0)["start"]}}}});
  server({{"id", 600}, {"result", {{"edits", {one("wdith", "width"), one("hieght", "height")}}}}});
  show_inline_edit();
  wait_ms(100);
  execute(inline_command("Reject"));
  close();
  EXPECT_THAT(outcomes(), ElementsAre("dismissed/explicit", "dismissed/explicit"));
}

TEST_F(TrackerEditTest, ASupersededOneIsIgnoredOrUnseen) {
  open("wdith = 1\n|");
  offer_inline_edit("wdith", "width");
  show_inline_edit();
  wait_ms(700);
  offer_inline_edit("1", "2");
  wait_ms(700);
  close();
  EXPECT_THAT(outcomes(), ElementsAre("ignored/superseded", "unseen"));
}

// ---- bounds and losses

TEST_F(TrackerEditTest, ALossMakesWhatIsOpenUnknown) {
  open("a\nb\n|");
  apply_edit({text_edit("a", "alpha")});
  take(tracker->on_drop(now));
  EXPECT_THAT(outcomes(), ElementsAre("unknown"));
  replace("a", "alpha");
  wait_ms(5'000);
  EXPECT_THAT(outcomes(), SizeIs(1));
}

TEST_F(TrackerEditTest, TooManyAreDisplacedAndCounted) {
  open("a\nb\n|");
  for (int i = 0; i < 300; ++i) apply_edit({text_edit("a", "alpha")});
  EXPECT_EQ(tracker->counters().displaced_suggestions, 44u);
  EXPECT_THAT(outcomes(), SizeIs(44));
  close();
  EXPECT_THAT(outcomes(), SizeIs(300));
}

}  // namespace
}  // namespace strop::agent::test
