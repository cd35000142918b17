// What takes the simulated developer away from a suggestion, and back.
#include <algorithm>

#include "simulation/prophet.h"
#include "simulation/typed_text.h"
#include "simulation/typist.h"

namespace strop::simulation {

using nlohmann::json;

// Something else comes to mind: an edit some lines above, and back.
void Typist::look_away() {
  const std::size_t cursor = editor_.cursor();
  const std::size_t line = editor_.text().rfind('\n', cursor > 0 ? cursor - 1 : 0);
  if (line == std::string::npos || line == 0 || line >= cursor) {
    ghost_->plan = Plan::kTypeThrough;
    return;
  }
  editor_.wait(between(100, 400) + (chance(0.7) ? 600 : 0));
  const std::size_t above = editor_.text().rfind('\n', line - 1);
  const std::size_t place = above == std::string::npos ? line : above;
  leave_list("looked away");
  end_ghost("ignored", "looked away");
  editor_.edit(place, place, " ");
  editor_.wait(between(150, 1'500));
  editor_.edit(place, place + 1, "");
  editor_.move_to(cursor);
  editor_.wait(between(200, 900));
}

// The cursor goes elsewhere, as the editor's requests tell, and comes back.
void Typist::look_elsewhere() {
  const std::size_t cursor = editor_.cursor();
  const std::size_t line = editor_.text().rfind('\n', cursor > 0 ? cursor - 1 : 0);
  if (line == std::string::npos || line == 0 || line >= cursor) {
    ghost_->plan = Plan::kTypeThrough;
    return;
  }
  editor_.wait(between(100, 400) + (chance(0.7) ? 600 : 0));
  leave_list("moved the cursor");
  end_ghost("ignored", "moved the cursor");
  editor_.ask(
      chance(0.5) ? "textDocument/documentHighlight" : "textDocument/signatureHelp",
      {{"textDocument", editor_.identifier()}, {"position", editor_.position_of(line / 2)}});
  editor_.wait(between(150, 3'000));
}

void Typist::visit_other_file() {
  editor_.wait(between(100, 400) + (chance(0.7) ? 600 : 0));
  leave_list_untold("went to another file");
  const std::size_t truth = ghost_->truth;
  end_ghost("ignored", "went to another file");
  if (truths_[truth].outcome == "unseen") {
    truths_[truth].scored = false;
    truths_[truth].unscored_because = "opening a file does not tell that it is looked at";
  }
  editor_.visit(task_.uri.substr(0, task_.uri.rfind('/')) + "/notes.txt", "a thought");
  editor_.wait(between(100, 2'000));
}

// The whole file becomes another, and after a while what it was.
void Typist::switch_branch() {
  editor_.wait(between(700, 2'500));
  leave_list("switched the branch");
  if (ghost_) end_ghost("ignored", "switched the branch");
  gone_.reset();
  const std::size_t cursor = editor_.cursor();
  const std::string mine = editor_.text();
  std::string other;
  for (std::size_t at = 0; at < mine.size();) {
    const std::size_t end = std::min(mine.find('\n', at), mine.size() - 1) + 1;
    (other += "~ ") += mine.substr(at, end - at);
    at = end;
  }
  hand_ = Hand::kBranch;
  const std::vector<Editor::Change> there{{0, mine.size(), other}};
  const std::vector<Editor::Change> back{{0, other.size(), mine}};
  const bool whole = chance(0.5);
  whole ? editor_.change_as_whole(there) : editor_.change(there);
  editor_.wait(between(2'000, 8'000));
  whole ? editor_.change_as_whole(back) : editor_.change(back);
  hand_ = Hand::kDeveloper;
  editor_.move_to(cursor);
  editor_.wait(between(500, 2'000));
}

// Closed and opened again, perhaps under another name.
void Typist::reopen(bool renamed) {
  editor_.wait(between(700, 3'000));
  const std::string how = renamed ? "renamed the file" : "closed the file and opened it again";
  leave_list(how);
  if (ghost_) end_ghost("ignored", how);
  gone_.reset();
  ended_.clear();
  run_late(true);
  judge_fates();
  std::string uri = editor_.uri();
  if (renamed) {
    const std::size_t name = uri.rfind('/') + 1;
    const std::size_t old = uri.find(kRenamed);
    old == std::string::npos ? uri.insert(name, kRenamed) : uri.erase(old, kRenamed.size());
  }
  const json files{{{"oldUri", editor_.uri()}, {"newUri", uri}}};
  const bool told_first = chance(0.5);
  if (renamed && told_first) editor_.tell("workspace/didRenameFiles", {{"files", files}});
  editor_.close();
  if (!renamed) editor_.wait(between(500, 20'000));
  editor_.open(uri, task_.language, std::string(editor_.text()), editor_.cursor());
  if (renamed && !told_first) editor_.tell("workspace/didRenameFiles", {{"files", files}});
  editor_.wait(between(300, 2'000));
}

}  // namespace strop::simulation
