#include "simulation/typist.h"

#include <algorithm>
#include <array>

#include "simulation/typed_text.h"

namespace strop::simulation {

using nlohmann::json;

std::string_view Typist::rest() const { return std::string_view(task_.target).substr(written()); }

json Typist::where(std::size_t offset) const {
  return NaiveDocument(editor_.text(), Encoding::kUtf16).position(offset);
}

// What the ghost text would add at the cursor.
std::string Typist::remainder(const Item& item) const {
  const std::size_t typed = editor_.cursor() - item.begin;
  const std::string before = editor_.text().substr(item.begin, typed);
  return item.text.starts_with(before) ? item.text.substr(typed) : "";
}

// The same from where it was first offered, typed part and all.
std::string Typist::whole(const Item& item) const {
  return editor_.text().substr(ghost_->begin, item.begin - ghost_->begin) + item.text;
}

// One character, or a line break with the indentation the editor adds by itself.
std::string Typist::next_keys() const {
  const std::string_view ahead = rest();
  const bool line_break = ahead.starts_with("\r\n") || ahead.front() == '\n';
  std::size_t size = ahead.front() == '\r' ? 2 : character_length(ahead, 0);
  if (line_break)
    while (size < ahead.size() && (ahead[size] == ' ' || ahead[size] == '\t')) ++size;
  return std::string(ahead.substr(0, size));
}

void Typist::write(const Task& task) {
  task_ = task;
  ghost_.reset();
  menu_.reset();
  taken_out_.reset();
  escaped_.reset();
  gone_.reset();
  doubt_.reset();
  ended_.clear();
  regions_.clear();
  above_ = 0;
  closed_ = false;
  ask_always_ = chance(habits_.ask_every_key);
  const std::string behind = task.keep_rest ? task.target.substr(task.end) : "";
  editor_.wait(between(2'000, 20'000));
  editor_.open(task.uri, task.language, task.target.substr(0, task.begin) + behind, task.begin);
  while (!done()) {
    press();
    if (done()) break;
    go_on();
  }
  if (closed_) return;
  if (chance(habits_.agent)) work_with_agent();
  editor_.wait(between(11'000, 60'000));
  leave_list("left open until the file was closed");
  if (ghost_) end_ghost("ignored", "left open until the file was closed");
  run_late(true);
  judge_fates();
  editor_.close();
}

void Typist::go_on() {
  run_late(false);
  if (menu_) act_on_list();
  if (done()) return;
  if (!menu_ && starts_word() && chance(habits_.lists)) ask_list();
  const std::size_t line =
      editor_.text().rfind('\n', editor_.cursor() - (editor_.cursor() > 0 ? 1 : 0));
  const std::size_t column = editor_.cursor() - (line == std::string::npos ? 0 : line + 1);
  const std::size_t indent = std::min(
      column, editor_.text().substr(editor_.cursor() - column, column).find_first_not_of(" \t"));
  const bool at_start = column - indent <= 3;
  if (!ask_always_ && !chance(at_start ? habits_.ask_line_start : habits_.ask_mid_line)) return;
  if (!ghost_ && !menu_ && !gone_ && chance(habits_.outrun))
    ask_as_it_goes();
  else
    ask();
  if (ghost_) act();
}

void Typist::press() {
  if (chance(habits_.paste)) return paste_line();
  if (chance(habits_.foreign)) return take_from_another();
  if (chance(habits_.typo)) return make_typo();
  press_keys(next_keys());
}

void Typist::press_keys(const std::string& keys) {
  editor_.wait(keys.front() == '\n' || keys.front() == '\r' ? between(150, 700) : between(60, 240));
  ++keystrokes_;
  if (menu_) key_meets_list(keys);
  if (gone_ && gone_->outrun) {  // an answer that came late still holds as long as it is typed
    if (gone_->offers.starts_with(keys) && gone_->offers != keys) {
      gone_->offers.erase(0, keys.size());
      gone_->text += keys;
      gone_->text.erase(0,
                        gone_->text.size() - std::min<std::size_t>(gone_->text.size(), kContext));
    } else {
      gone_.reset();
    }
  }
  if (!ghost_) {
    editor_.type(keys);
    return ask_list_again();
  }
  const std::string ghost_text = remainder(ghost_->items[ghost_->item]);
  if (!ghost_->displayable) {
    end_ghost("unseen", "not displayable");
  } else if (ghost_text == keys) {
    if (ghost_->partial) truths_[ghost_->truth].text = whole(ghost_->items[ghost_->item]);
    end_ghost("typed_through", "typed out to the end");
  } else if (!ghost_text.starts_with(keys)) {
    end_ghost("dismissed", "typed over");
  }
  editor_.type(keys);
  ask_list_again();
}

void Typist::ask() {
  const double asked = editor_.now();
  std::vector<Item> items = editor_.complete();
  std::erase_if(items, [](const Item& item) { return item.text.empty(); });
  if (ghost_) {
    if (items.empty()) {
      end_ghost_unscored("an empty answer: editors differ in whether the ghost text stays");
      return;
    }
    // An editor shows the first one, unless the developer had asked for another.
    Ghost& ghost = *ghost_;
    if (remainder(items[0]) == remainder(ghost.items[0]) && ghost.displayable) {
      ghost.items = std::move(items);
      editor_.report_shown(ghost.items[0]);
      return;
    }
    end_ghost(ghost.displayable ? "ignored" : "unseen", "replaced by another offer");
  }
  if (items.empty()) return;
  const std::size_t known = truths_.size();
  show(std::move(items));
  if (truths_.size() > known) truths_.back().t_ms = asked;
}

// The next key comes before the answer: it is of what was, and not shown.
void Typist::ask_as_it_goes() {
  const std::string keys = next_keys();
  const json position = where(editor_.cursor());
  const double asked = editor_.now();
  if (menu_) key_meets_list(keys);
  ++keystrokes_;
  const std::vector<Item> items = editor_.complete_while_typing(keys);
  gone_.reset();
  if (items.empty()) return;
  Truth truth;
  truth.uri = editor_.uri();
  truth.position = position;
  truth.offered = items[0].text;
  truth.t_ms = asked;
  truth.outcome = "unseen";
  truth.behaviour = "a key came before the answer";
  truths_.push_back(std::move(truth));
  if (const std::string left = remainder(items[0]); !left.empty())
    gone_ =
        Gone{truths_.size() - 1, before_cursor(), left, editor_.now(), false, true, items[0].begin};
}

void Typist::show(std::vector<Item> items) {
  const Item& first = items[0];
  const std::string replaced = editor_.text().substr(first.begin, editor_.cursor() - first.begin);
  const std::string behind = editor_.text().substr(editor_.cursor());
  Truth truth;
  truth.uri = editor_.uri();
  const std::size_t first_begin = first.begin;
  truth.position = where(editor_.cursor());
  truth.offered = first.text;
  truth.outcome = "unseen";
  const bool displayable = first.text.starts_with(replaced) && first.text.size() > replaced.size();
  const bool again = displayable && comes_again(remainder(first));
  if (displayable && in_doubt(first)) {
    truth.scored = false;
    truth.unscored_because = "may be the ghost text of before, of which is not known if it stayed";
  }
  if (!again) truths_.push_back(std::move(truth));
  ghost_ = Ghost{again ? gone_->truth : truths_.size() - 1,
                 0,
                 std::move(items),
                 editor_.now(),
                 Plan::kTypeOver,
                 displayable,
                 again && gone_->partial,
                 again ? truths_[gone_->truth].display_ms : 0,
                 again ? gone_->begin : first_begin};
  gone_.reset();
  if (displayable) editor_.report_shown(ghost_->items[0]);
  ghost_->plan = choose(*ghost_);
}

Typist::Plan Typist::choose(const Ghost& ghost) {
  if (!ghost.displayable) return Plan::kTypeOverAtOnce;
  if (chance(habits_.look_away)) return Plan::kLookAway;
  if (chance(habits_.escape)) return Plan::kEscape;
  if (chance(0.01)) return Plan::kClose;
  if (chance(habits_.interruptions)) {
    static constexpr std::array<Plan, 5> kLeft{Plan::kReopen, Plan::kRename, Plan::kSwitchBranch,
                                               Plan::kOtherFile, Plan::kLookElsewhere};
    return kLeft[random_() % kLeft.size()];
  }
  const std::string text = remainder(ghost.items[0]);
  const std::string_view wanted = this->wanted();
  const std::size_t agreed = agreement(text, wanted);
  if (agreed < text.size() && chance(habits_.cycle)) return Plan::kCycle;
  if (agreed == text.size()) {
    if (text.size() < 2) return Plan::kTypeThrough;
    const double roll = between(0, 1);
    return roll < 0.7 ? Plan::kAccept : roll < 0.85 ? Plan::kTypeThrough : Plan::kPartial;
  }
  for (std::size_t i = 1; i < ghost.items.size(); ++i)
    if (const std::string other = remainder(ghost.items[i]);
        other.size() > 1 && agreement(other, wanted) == other.size())
      return chance(0.6) ? Plan::kAccept : Plan::kTypeOver;
  if (agreed >= 4 &&
      static_cast<double>(agreed) >= habits_.near_miss * static_cast<double>(text.size())) {
    const double roll = between(0, 1);
    return roll < 0.5 ? Plan::kMend : roll < 0.8 ? Plan::kPartial : Plan::kTypeThrough;
  }
  return chance(0.75) ? Plan::kTypeOver : Plan::kTypeOverAtOnce;
}

void Typist::act() {
  if (menu_ && (ghost_->plan == Plan::kAccept || ghost_->plan == Plan::kPartial ||
                ghost_->plan == Plan::kMend || ghost_->plan == Plan::kCycle))
    if (meets_list()) ghost_->plan = Plan::kTypeThrough;  // whose it was could not be told
  const Plan plan = ghost_->plan;
  switch (plan) {
    case Plan::kAccept:
      return accept();
    case Plan::kMend:
      return mend();
    case Plan::kPartial:
      return accept_words();
    case Plan::kLookAway:
      return look_away();
    case Plan::kEscape:
      return escape();
    case Plan::kCycle:
      return cycle();
    case Plan::kReopen:
    case Plan::kRename:
      return reopen(plan == Plan::kRename);
    case Plan::kSwitchBranch:
      return switch_branch();
    case Plan::kOtherFile:
      return visit_other_file();
    case Plan::kLookElsewhere:
      return look_elsewhere();
    case Plan::kClose:
      editor_.wait(between(700, 3'000));
      leave_list("closed the file");
      end_ghost("ignored", "closed the file");
      run_late(true);
      judge_fates();
      editor_.close();
      closed_ = true;
      return;
    case Plan::kTypeOver:
      editor_.wait(between(600, 2'500));
      ghost_->plan = Plan::kTypeThrough;
      return;
    case Plan::kTypeOverAtOnce:
    case Plan::kTypeThrough:
      return;
  }
}

void Typist::paste_line() {
  const std::string_view ahead = this->wanted();
  const std::size_t line = ahead.find_first_of("\r\n", 2);
  if (line == std::string_view::npos || line < 10) return press_keys(next_keys());
  editor_.wait(between(400, 1'500));
  const std::string text(ahead.substr(0, line));
  if (ghost_) {
    if (agreement(remainder(ghost_->items[ghost_->item]), text) > 0)
      doubt_ghost("a paste begins as the suggestion does");
    else
      end_ghost("ignored", "pasted");
  }
  put_at_once(text);
}

// Another assistant, unknown to the agent, writes the rest of the line at once.
void Typist::take_from_another() {
  const std::string_view ahead = this->wanted();
  const std::string text(ahead.substr(0, ahead.find_first_of("\r\n")));
  if (text.size() < 12) return press_keys(next_keys());
  editor_.wait(between(300, 1'200));
  if (ghost_) {
    const std::string mine = remainder(ghost_->items[ghost_->item]);
    if (agreement(mine, text) > 0)
      doubt_ghost("another assistant's text begins as the suggestion does");
    else
      end_ghost("ignored", "another assistant wrote");
  }
  put_at_once(text);
}

// Text that comes neither by keys nor from a suggestion.
void Typist::put_at_once(const std::string& text) {
  if (menu_) {
    const bool completes =
        std::any_of(menu_->popup.items.begin(), menu_->popup.items.end(),
                    [&](const ListItem& one) { return one.text == typed_word() + text; });
    if (completes)
      end_list_unscored("other text is what an item would have put there");
    else
      end_list("ignored", "other text came");
  }
  editor_.type(text);
  doubt_ended();
}

// Where what came by other ways than keys ends as a candidate of before would have, the editor may
// have gone over to that one.
void Typist::doubt_ended() {
  std::erase_if(ended_, [this](const Ended& one) { return editor_.now() - one.at_ms > kAgainMs; });
  for (const Ended& one : ended_)
    for (const Item& item : one.items)
      if (editor_.cursor() >= item.begin + item.text.size() &&
          editor_.text().compare(item.begin, editor_.cursor() - item.begin, item.text) == 0) {
        truths_[one.truth].scored = false;
        truths_[one.truth].unscored_because = "other text completes one of its candidates";
      }
}

void Typist::make_typo() {
  const std::string wrong = chance(0.5) ? "q" : ";";
  if (rest().starts_with(wrong)) return press_keys(next_keys());
  editor_.wait(between(60, 200));
  if (ghost_) end_ghost_unscored("a slip of the finger looks like typing over");
  if (menu_) end_list_unscored("a slip of the finger: editors differ in whether the list stays");
  if (gone_ && gone_->outrun) gone_.reset();
  editor_.type(wrong);
  editor_.wait(between(200, 500));
  editor_.edit(editor_.cursor() - wrong.size(), editor_.cursor(), "");
}

std::string Typist::before_cursor() const {
  const std::size_t from = editor_.cursor() - std::min<std::size_t>(editor_.cursor(), kContext);
  return editor_.text().substr(from, editor_.cursor() - from);
}

bool Typist::comes_again(const std::string& offers) const {
  return gone_ && editor_.now() - gone_->at_ms < kAgainMs && gone_->offers == offers &&
         gone_->text == before_cursor();
}

void Typist::end_ghost(const std::string& outcome, const std::string& behaviour) {
  Truth& truth = truths_[ghost_->truth];
  truth.display_ms = ghost_->displayed_before_ms + editor_.now() - ghost_->shown_ms;
  const bool accepted = outcome == "accepted";
  truth.outcome = accepted                                             ? outcome
                  : ghost_->partial                                    ? "partial"
                  : !ghost_->displayable || truth.display_ms < kSeenMs ? "unseen"
                                                                       : outcome;
  if (truth.behaviour.empty()) truth.behaviour = behaviour;
  gone_.reset();
  // What was dealt with does not come again; what only went from the screen may.
  if (outcome == "ignored" && ghost_->displayable)
    gone_ = Gone{ghost_->truth, before_cursor(), remainder(ghost_->items[ghost_->item]),
                 editor_.now(), ghost_->partial, false,
                 ghost_->begin};
  if (!accepted) ended_.push_back({ghost_->truth, ghost_->items, editor_.now()});
  ghost_.reset();
}

void Typist::doubt_ghost(const std::string& because) {
  const Doubt doubt{ghost_->begin, whole(ghost_->items[ghost_->item])};
  end_ghost_unscored(because);
  gone_.reset();
  doubt_ = doubt;
}

bool Typist::in_doubt(const Item& item) const {
  return doubt_ && doubt_->begin <= editor_.cursor() &&
         doubt_->text == editor_.text().substr(doubt_->begin, editor_.cursor() - doubt_->begin) +
                             remainder(item);
}

void Typist::end_ghost_unscored(const std::string& because) {
  Truth& truth = truths_[ghost_->truth];
  truth.scored = false;
  truth.unscored_because = because;
  end_ghost("ignored", because);
}

}  // namespace strop::simulation
