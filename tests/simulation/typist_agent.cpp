// Edits that the server makes, at the end of a stretch: asked for by it, taken from a menu of code
// actions, shown as inline edits; kept, mended or reverted hunk by hunk; and a formatter's.
#include <algorithm>

#include "simulation/typist.h"

namespace strop::simulation {

using nlohmann::json;

void Typist::work_with_agent() {
  leave_list_untold("turned to the agent");
  if (ghost_) end_ghost_unscored("editors differ in whether ghost text stays as a server edits");
  gone_.reset();
  run_late(true);
  for (int turns = 1 + static_cast<int>(between(0, 3)); turns > 0; --turns) {
    editor_.wait(between(1'500, 6'000));
    const double roll = between(0, 1);
    if (roll < 0.4)
      take_applied_edit();
    else if (roll < 0.65)
      take_action();
    else if (roll < 0.85)
      meet_inline_edit();
    else if (roll < 0.95)
      format();
    else
      switch_branch();
  }
}

Telling Typist::telling() {
  const double roll = between(0, 1);
  return roll < 0.5 ? Telling::kTogether : roll < 0.75 ? Telling::kOneByOne : Telling::kWholeText;
}

// One truth a hunk. Those of which a key press could be the author are not scored.
std::vector<std::size_t> Typist::note_hunks(const std::vector<ServerHunk>& hunks,
                                            const std::string& behaviour,
                                            const std::string& outcome) {
  std::vector<std::size_t> out;
  for (const ServerHunk& hunk : hunks) {
    Truth truth;
    truth.source = "edit";
    truth.uri = editor_.uri();
    truth.position = where(hunk.begin);
    truth.offered = hunk.text;
    truth.t_ms = editor_.now();
    truth.outcome = outcome;
    truth.behaviour = behaviour;
    if (outcome == "accepted") truth.text = hunk.text;
    out.push_back(truths_.size());
    truths_.push_back(std::move(truth));
  }
  return out;
}

// The server asks for it, and the editor does it: before it answers, or behind.
void Typist::take_applied_edit() {
  std::vector<ServerHunk> hunks;
  std::vector<std::size_t> places;
  std::vector<std::size_t> truths;
  const bool refused = chance(0.1);
  const bool answers_first = !refused && chance(0.25);
  const Telling how = telling();
  editor_.client().on_request(
      [&](const std::string& method, const json& params) -> std::optional<json> {
        if (method != "workspace/applyEdit") return std::nullopt;
        hunks = hunks_in(editor_, params.at("edit"));
        if (refused) return json{{"applied", false}};
        truths = note_hunks(hunks, "an edit that the server asked for", "accepted");
        if (!answers_first) places = apply_hunks(editor_, hunks, how);
        return json{{"applied", true}};
      });
  editor_.ask("prophet/edit", {{"textDocument", editor_.identifier()},
                               {"count", 1 + static_cast<int>(between(0, 3))}});
  editor_.client().on_request(nullptr);
  if (refused) return;
  if (answers_first) {
    editor_.wait(between(5, 200));
    places = apply_hunks(editor_, hunks, how);
  }
  follow_hunks(hunks, places, truths);
}

void Typist::take_action() {
  json actions = editor_
                     .ask("textDocument/codeAction",
                          {{"textDocument", editor_.identifier()},
                           {"range", {{"start", editor_.position()}, {"end", editor_.position()}}},
                           {"context", {{"diagnostics", json::array()}}}})
                     .value("result", json::array());
  editor_.wait(between(800, 4'000));
  if (actions.empty() || chance(0.15)) return;  // nothing of the menu is taken
  json action = actions.at(random_() % actions.size());
  if (!action.contains("edit"))
    action = editor_.ask("codeAction/resolve", std::move(action)).at("result");
  const std::vector<ServerHunk> hunks = hunks_in(editor_, action.at("edit"));
  const std::vector<std::size_t> truths = note_hunks(hunks, "an action from the menu", "accepted");
  const std::vector<std::size_t> places = apply_hunks(editor_, hunks, Telling::kTogether);
  if (action.contains("command")) editor_.run(action["command"]);
  follow_hunks(hunks, places, truths);
}

void Typist::meet_inline_edit() {
  const json result =
      editor_
          .ask("textDocument/copilotInlineEdit",
               {{"textDocument", editor_.identifier()}, {"position", editor_.position()}})
          .value("result", json());
  if (!result.is_object() || result.at("edits").empty()) return;
  const json edit = result["edits"][0];
  const std::vector<ServerHunk> hunks =
      hunks_in(editor_, {{{"range", edit.at("range")}, {"newText", edit.at("text")}}});
  editor_.tell("textDocument/didShowInlineEdit", {{"item", {{"command", edit.at("command")}}}});
  const double shown = editor_.now();
  editor_.wait(between(200, 2'500));
  const double roll = between(0, 1);
  if (roll < 0.5) {
    const auto truths = note_hunks(hunks, "took an inline edit", "accepted");
    truths_[truths.front()].t_ms = shown;
    const auto places = apply_hunks(editor_, hunks, Telling::kTogether);
    editor_.run(edit.at("command"));
    return follow_hunks(hunks, places, truths);
  }
  const bool seen = editor_.now() - shown >= 500;
  if (roll < 0.75) {
    note_hunks(hunks, "rejected an inline edit", "dismissed");
    json command = edit.at("command");
    command["command"] = "github.copilot.didRejectNextEditSuggestionItem";
    return editor_.run(command);
  }
  // Nothing is done with it: the next one comes, of which nothing is done either.
  note_hunks(hunks, "left an inline edit", seen ? "ignored" : "unseen");
  const json next =
      editor_
          .ask("textDocument/copilotInlineEdit",
               {{"textDocument", editor_.identifier()}, {"position", editor_.position()}})
          .at("result")
          .at("edits")
          .at(0);
  note_hunks(hunks_in(editor_, {{{"range", next.at("range")}, {"newText", next.at("text")}}}),
             "an inline edit that was not shown", "unseen");
}

void Typist::format() {
  const json edits =
      editor_
          .ask("textDocument/formatting", {{"textDocument", editor_.identifier()},
                                           {"options", {{"tabSize", 4}, {"insertSpaces", true}}}})
          .value("result", json());
  if (!edits.is_array() || edits.empty()) return;
  hand_ = Hand::kFormatter;
  apply_hunks(editor_, hunks_in(editor_, edits),
              chance(0.7) ? Telling::kTogether : Telling::kWholeText);
  hand_ = Hand::kDeveloper;
}

// Each is kept, mended by hand, or reverted; or all are undone together.
void Typist::follow_hunks(const std::vector<ServerHunk>& hunks,
                          const std::vector<std::size_t>& places,
                          const std::vector<std::size_t>& truths) {
  for (std::size_t i = 0; i < hunks.size(); ++i) watch(truths[i], places[i], hunks[i].text);
  editor_.wait(between(700, 3'000));
  const bool all = chance(0.15);
  const std::size_t first = regions_.size() - hunks.size();
  for (std::size_t i = 0; i < hunks.size(); ++i) {
    const Region region = regions_[first + i];
    const double roll = all ? 0.9 : between(0, 1);
    Truth& truth = truths_[truths[i]];
    if (roll < 0.55) {
      truth.behaviour += ", kept";
    } else if (roll < 0.75) {
      truth.behaviour += ", mended";
      change_hunk(region);
    } else {
      truth.behaviour += ", reverted";
      hand_ = Hand::kUndo;
      const std::size_t cursor = editor_.cursor();
      editor_.edit(region.begin, region.end, hunks[i].old_text);
      editor_.move_to(cursor - (region.begin < cursor ? region.text.size() : 0) +
                      (region.begin < cursor ? hunks[i].old_text.size() : 0));
      hand_ = Hand::kDeveloper;
    }
    if (!all) editor_.wait(between(300, 2'000));
  }
}

// Its last word is typed anew.
void Typist::change_hunk(const Region& region) {
  const std::size_t cursor = editor_.cursor();
  const std::size_t behind = editor_.text().size() - cursor;
  const std::size_t end = region.end - (region.text.ends_with('\n') ? 1 : 0);
  editor_.move_to(end);
  cut_back_to(end - std::min<std::size_t>(3, end - region.begin));
  for (const char key : std::string("own")) {
    editor_.wait(between(60, 200));
    editor_.type(std::string(1, key));
  }
  editor_.move_to(region.begin < cursor ? editor_.text().size() - behind : cursor);
}

}  // namespace strop::simulation
