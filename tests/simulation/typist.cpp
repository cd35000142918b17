#include "simulation/typist.h"

#include <algorithm>
#include <cctype>

namespace strop::simulation {
namespace {

constexpr double kSeenMs = 500;  // CONTRACTS: displayed for less in all is unseen
// CONTRACTS: display time adds up over re-shows of the same text at the same anchor; so soon after
// it went they are one to whoever looks at the screen.
constexpr double kAgainMs = 2'000;

constexpr std::size_t kFewKeys = 3;  // told at once they may be key presses

std::size_t agreement(std::string_view a, std::string_view b) {
  std::size_t n = 0;
  while (n < a.size() && n < b.size() && a[n] == b[n]) ++n;
  return n;
}

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The end of the next word of `text`: white space and symbols before it, then the word.
std::size_t word_end(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && !word_character(text[at]) && text[at] != '\n') ++at;
  while (at < text.size() && word_character(text[at])) ++at;
  return at;
}

// What an editor cannot tell from a key press: one character, a bracket or quote with the one that
// closes it, or a new line with its indentation.
bool keystroke_sized(std::string_view text) {
  if (text.empty()) return true;
  for (const std::string_view pair : {"()", "[]", "{}", "<>", "``", "\"\"", "''"})
    if (text == pair) return true;
  if (text.front() == '\n') return text.find_first_not_of(" \t", 1) == std::string_view::npos;
  return text.size() <= character_length(text, 0);
}

}  // namespace

std::string_view Typist::rest() const {
  return std::string_view(task_.target).substr(editor_.cursor());
}

// What the ghost text would add at the cursor.
std::string Typist::remainder(const Item& item) const {
  const std::size_t typed = editor_.cursor() - item.begin;
  const std::string before = editor_.text().substr(item.begin, typed);
  return item.text.starts_with(before) ? item.text.substr(typed) : "";
}

// One character, or a line break with the indentation the editor adds by itself.
std::string Typist::next_keys() const {
  const std::string_view ahead = rest();
  std::size_t size = character_length(ahead, 0);
  if (ahead.front() == '\n')
    while (size < ahead.size() && (ahead[size] == ' ' || ahead[size] == '\t')) ++size;
  return std::string(ahead.substr(0, size));
}

void Typist::write(const Task& task) {
  task_ = task;
  ghost_.reset();
  gone_.reset();
  ended_.clear();
  closed_ = false;
  ask_always_ = chance(habits_.ask_every_key);
  const std::string behind = task.keep_rest ? task.target.substr(task.end) : "";
  editor_.wait(between(2'000, 20'000));
  editor_.open(task.uri, task.language, task.target.substr(0, task.begin) + behind, task.begin);
  while (!closed_ && editor_.cursor() < task_.end) {
    press();
    if (closed_ || editor_.cursor() >= task_.end) break;
    const std::size_t line =
        editor_.text().rfind('\n', editor_.cursor() - (editor_.cursor() > 0 ? 1 : 0));
    const std::size_t column = editor_.cursor() - (line == std::string::npos ? 0 : line + 1);
    const std::size_t indent = std::min(
        column, editor_.text().substr(editor_.cursor() - column, column).find_first_not_of(" \t"));
    const bool at_start = column - indent <= 3;
    if (ask_always_ || chance(at_start ? habits_.ask_line_start : habits_.ask_mid_line)) {
      ask();
      if (ghost_) act();
    }
  }
  if (!closed_) {
    editor_.wait(between(11'000, 60'000));
    if (ghost_) end_ghost("ignored", "left open until the file was closed");
    editor_.close();
  }
}

void Typist::press() {
  if (!ghost_ && chance(habits_.paste)) return paste_line();
  if (chance(habits_.foreign)) return take_from_another();
  if (chance(habits_.typo)) return make_typo();
  press_keys(next_keys());
}

void Typist::press_keys(const std::string& keys) {
  editor_.wait(keys.front() == '\n' ? between(150, 700) : between(60, 240));
  ++keystrokes_;
  if (!ghost_) return editor_.type(keys);
  const std::string ghost_text = remainder(ghost_->items[ghost_->item]);
  if (!ghost_->displayable) {
    end_ghost("unseen", "not displayable");
  } else if (ghost_text == keys) {
    end_ghost("typed_through", "typed out to the end");
  } else if (!ghost_text.starts_with(keys)) {
    end_ghost("dismissed", "typed over");
  }
  editor_.type(keys);
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

void Typist::show(std::vector<Item> items) {
  const Item& first = items[0];
  const std::string replaced = editor_.text().substr(first.begin, editor_.cursor() - first.begin);
  const std::string behind = editor_.text().substr(editor_.cursor());
  Truth truth;
  truth.uri = editor_.uri();
  truth.position = editor_.position();
  truth.offered = first.text;
  truth.outcome = "unseen";
  const bool displayable = first.text.starts_with(replaced) && first.text.size() > replaced.size();
  const bool again = displayable && comes_again(remainder(first));
  if (!again) truths_.push_back(std::move(truth));
  ghost_ = Ghost{again ? gone_->truth : truths_.size() - 1,
                 0,
                 std::move(items),
                 editor_.now(),
                 Plan::kTypeOver,
                 displayable,
                 again && gone_->partial,
                 again ? truths_[gone_->truth].display_ms : 0};
  gone_.reset();
  if (displayable) editor_.report_shown(ghost_->items[0]);
  ghost_->plan = choose(*ghost_);
}

Typist::Plan Typist::choose(const Ghost& ghost) {
  if (!ghost.displayable) return Plan::kTypeOverAtOnce;
  if (chance(habits_.look_away)) return Plan::kLookAway;
  if (chance(habits_.escape)) return Plan::kEscape;
  if (chance(0.01)) return Plan::kClose;
  const std::string text = remainder(ghost.items[0]);
  const std::string_view wanted = rest().substr(0, task_.end - editor_.cursor());
  const std::size_t agreed = agreement(text, wanted);
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
      editor_.wait(between(300, 1'500));
      if (editor_.extension()) {
        editor_.report_rejected(ghost_->items[ghost_->item]);
        const std::size_t truth = ghost_->truth;
        const bool partial = ghost_->partial;
        end_ghost("dismissed", "escaped");
        if (!partial) truths_[truth].outcome = "dismissed";  // at any duration
        gone_.reset();
        return;
      }
      // Nothing reaches the wire; what is typed next looks like typing through or over.
      truths_[ghost_->truth].scored = false;
      truths_[ghost_->truth].unscored_because = "Escape does not reach the wire";
      ghost_->plan = Plan::kTypeThrough;
      return;
    case Plan::kClose:
      editor_.wait(between(700, 3'000));
      end_ghost("ignored", "closed the file");
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

void Typist::accept() {
  const std::string_view wanted = rest().substr(0, task_.end - editor_.cursor());
  std::string text = remainder(ghost_->items[ghost_->item]);
  if (agreement(text, wanted) != text.size()) {  // cycle to the candidate that is right
    for (std::size_t i = 0; i < ghost_->items.size(); ++i) {
      const std::string other = remainder(ghost_->items[i]);
      if (!other.empty() && agreement(other, wanted) == other.size()) {
        ghost_->item = i;
        editor_.report_shown(ghost_->items[i]);
        text = other;
        break;
      }
    }
  }
  editor_.wait(between(200, 1'800));
  const Item item = ghost_->items[ghost_->item];
  Truth& truth = truths_[ghost_->truth];
  const bool by_command = runs_commands(shape_) && item.command.is_object();
  if (!by_command && keystroke_sized(text)) {
    truth.scored = false;
    truth.unscored_because = "accepted as one character, without a command";
  } else if (shape_ == Shape::kSingleCharacters && text.size() <= kFewKeys) {
    truth.scored = false;
    truth.unscored_because = "accepted as a few single characters, without a command";
  }
  truth.text = item.text;
  const std::size_t begin = item.begin;
  const std::string replaced = editor_.text().substr(begin, editor_.cursor() - begin);
  end_ghost("accepted", ghost_->item == 0 ? "accepted" : "accepted another candidate");
  if (shape_ == Shape::kSingleCharacters && chance(0.3)) {
    const std::string_view ahead = rest().substr(text.size());
    const std::string key(ahead.substr(0, ahead.empty() ? 0 : character_length(ahead, 0)));
    if (!key.empty() && key != "\n" && editor_.cursor() + text.size() + key.size() < task_.end)
      return editor_.accept(item, key);
  }
  editor_.accept(item);
  if (chance(habits_.undo)) {
    editor_.wait(between(300, 4'000));
    truth.behaviour = "accepted, then undone";
    truth.mended = true;
    editor_.edit(begin, begin + item.text.size(), replaced);
  }
}

// Accepts a near miss and mends its end: deletes back to where it agrees; the right text is typed
// on from there.
void Typist::mend() {
  const std::string_view wanted = rest().substr(0, task_.end - editor_.cursor());
  const std::string text = remainder(ghost_->items[0]);
  const std::size_t agreed = agreement(text, wanted);
  editor_.wait(between(300, 1'800));
  const Item item = ghost_->items[0];
  Truth& truth = truths_[ghost_->truth];
  truth.text = item.text;
  truth.mended = true;
  const std::size_t right_end = editor_.cursor() + agreed;
  end_ghost("accepted", "accepted and mended");
  editor_.accept(item);
  editor_.wait(between(500, 2'500));
  if (chance(0.3)) {  // select the wrong end and delete it in one go
    editor_.edit(right_end, editor_.cursor(), "");
    return;
  }
  while (editor_.cursor() > right_end) {
    std::size_t begin = editor_.cursor() - 1;
    while (begin > right_end &&
           (static_cast<unsigned char>(editor_.text()[begin]) & 0xC0U) == 0x80U)
      --begin;
    editor_.wait(between(50, 130));
    editor_.edit(begin, editor_.cursor(), "");
  }
}

void Typist::accept_words() {
  const std::string_view wanted = rest().substr(0, task_.end - editor_.cursor());
  const std::string text = remainder(ghost_->items[0]);
  const std::size_t agreed = agreement(text, wanted);
  const std::size_t limit = agreed == text.size() ? agreed - 1 : agreed;
  std::size_t done = 0;
  for (int words = 1 + static_cast<int>(between(0, 3)); words > 0; --words) {
    const std::size_t size = word_end(std::string_view(text).substr(done));
    const std::string piece = text.substr(done, size);
    if (done + size > limit || keystroke_sized(piece) ||
        std::count_if(piece.begin(), piece.end(), word_character) < 2)
      break;
    editor_.wait(between(200, 900));
    editor_.type(piece);
    editor_.report_part(ghost_->items[0]);
    done += size;
    ghost_->partial = true;
  }
  if (ghost_->partial) truths_[ghost_->truth].behaviour = "accepted word by word";
  ghost_->plan = Plan::kTypeThrough;
  if (!ghost_->partial) editor_.wait(between(600, 1'200));
}

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
  end_ghost("ignored", "looked away");
  editor_.edit(place, place, " ");
  editor_.wait(between(150, 1'500));
  editor_.edit(place, place + 1, "");
  editor_.move_to(cursor);
  editor_.wait(between(200, 900));
}

void Typist::paste_line() {
  const std::string_view ahead = rest().substr(0, task_.end - editor_.cursor());
  const std::size_t line = ahead.find('\n', 1);
  if (line == std::string_view::npos || line < 10) return press_keys(next_keys());
  editor_.wait(between(400, 1'500));
  put_at_once(std::string(ahead.substr(0, line)));
}

// Another assistant, unknown to the agent, writes the rest of the line at once.
void Typist::take_from_another() {
  const std::string_view ahead = rest().substr(0, task_.end - editor_.cursor());
  const std::string text(ahead.substr(0, ahead.find('\n')));
  if (text.size() < 12) return press_keys(next_keys());
  editor_.wait(between(300, 1'200));
  if (ghost_) {
    const std::string mine = remainder(ghost_->items[ghost_->item]);
    if (agreement(mine, text) > 0)
      end_ghost_unscored("another assistant's text begins as the suggestion does");
    else
      end_ghost("ignored", "another assistant wrote");
  }
  put_at_once(text);
}

// Text that comes neither by keys nor from a suggestion. Where it ends as a candidate of before
// would have, the editor may have shown that one instead, and taken it.
void Typist::put_at_once(const std::string& text) {
  editor_.type(text);
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
  editor_.type(wrong);
  editor_.wait(between(200, 500));
  editor_.edit(editor_.cursor() - wrong.size(), editor_.cursor(), "");
}

std::string Typist::before_cursor() const {
  const std::size_t from = editor_.cursor() - std::min<std::size_t>(editor_.cursor(), 200);
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
                 editor_.now(), ghost_->partial};
  if (!accepted) ended_.push_back({ghost_->truth, ghost_->items, editor_.now()});
  ghost_.reset();
}

void Typist::end_ghost_unscored(const std::string& because) {
  Truth& truth = truths_[ghost_->truth];
  truth.scored = false;
  truth.unscored_because = because;
  end_ghost("ignored", because);
}

}  // namespace strop::simulation
