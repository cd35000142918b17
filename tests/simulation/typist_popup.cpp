// What the simulated developer does with popup lists: takes an item, types on, looks through them,
// dismisses them, mends what came.
#include <algorithm>

#include "simulation/typed_text.h"
#include "simulation/typist.h"

namespace strop::simulation {
namespace {

constexpr std::size_t kMostTyped = 3;  // characters of a word, when a list is asked for
// An item that is taken out sooner may have been one of those that were looked through.
constexpr double kLooksThroughMs = 3'000;

// Bytes of `b` between what both begin and end with.
std::size_t differing(std::string_view a, std::string_view b) {
  const std::size_t front = agreement(a, b);
  std::size_t back = 0;
  while (back < std::min(a.size(), b.size()) - front &&
         a[a.size() - back - 1] == b[b.size() - back - 1])
    ++back;
  return std::max(a.size(), b.size()) - front - back;
}

std::vector<std::string> texts_of(const PopupMenu& one) {
  std::vector<std::string> out;
  for (const ListItem& item : one.items) out.push_back(item.text);
  return out;
}

}  // namespace

std::string Typist::typed_word() const {
  std::size_t begin = editor_.cursor();
  while (begin > 0 && word_character(editor_.text()[begin - 1])) --begin;
  return editor_.text().substr(begin, editor_.cursor() - begin);
}

bool Typist::starts_word() const {
  const std::string word = typed_word();
  return !word.empty() && word.size() <= kMostTyped && !wanted().empty() &&
         word_character(wanted().front());
}

void Typist::ask_list() {
  if (auto popup = ask_popup(editor_)) show_list(std::move(*popup));
}

void Typist::show_list(PopupMenu popup) {
  Truth truth;
  truth.source = "popup";
  truth.uri = editor_.uri();
  truth.position = where(editor_.cursor());
  truth.offered = popup.items.front().text;
  truth.t_ms = editor_.now();
  truth.outcome = "unseen";
  truths_.push_back(std::move(truth));
  const auto again = [&popup](const std::optional<PopupMenu>& before) {
    return before && before->begin == popup.begin && texts_of(*before) == texts_of(popup);
  };
  if (again(taken_out_)) {
    truths_.back().scored = false;
    truths_.back().unscored_because = "the list again of which an item was taken out just now";
  }
  if (again(escaped_))
    for (const std::size_t one : {escaped_truth_, truths_.size() - 1}) {
      truths_[one].scored = false;
      truths_[one].unscored_because = "a list that was dismissed, and comes again as it was";
    }
  escaped_.reset();
  menu_ = Menu{truths_.size() - 1, std::move(popup), editor_.now(), Menu::Plan::kTypeOn};
  plan_list();
}

// The right item, or the one that is nearly right.
void Typist::plan_list() {
  Menu& menu = *menu_;
  const std::string typed = typed_word();
  const std::string word = typed + std::string(wanted());
  std::optional<std::size_t> right;
  std::optional<std::size_t> near;
  for (const std::size_t i : menu.popup.fitting(typed)) {
    const std::string& text = menu.popup.items[i].text;
    const std::size_t agreed = agreement(text, word);
    if (agreed == text.size() && agreed > typed.size() + 1) right = i;
    if (agreed < text.size() && agreed > typed.size() + 1) near = i;
  }
  const double roll = between(0, 1);
  if (right && (roll < 0.6 || !near)) {
    menu.item = *right;
    menu.plan = roll < 0.5    ? Menu::Plan::kTake
                : roll < 0.6  ? Menu::Plan::kGoThrough
                : roll < 0.65 ? Menu::Plan::kLeave
                              : Menu::Plan::kTypeOn;
  } else if (near && roll < 0.9) {
    menu.item = *near;
    menu.plan = Menu::Plan::kTake;
  } else {
    menu.plan = roll < 0.2 ? Menu::Plan::kEscape : Menu::Plan::kTypeOn;
  }
  menu.keys_left = static_cast<int>(between(0, 2.5));
}

// Before a key is typed: whether the list stays.
void Typist::key_meets_list(const std::string& keys) {
  if (keys.size() == 1 && word_character(keys.front()) &&
      !menu_->popup.fitting(typed_word() + keys).empty())
    return;
  end_list("ignored", "typed on");
}

// Behind a key: a server that wants to be asked again.
void Typist::ask_list_again() {
  if (!menu_ || !menu_->popup.incomplete) return;
  auto popup = ask_popup(editor_);
  if (popup && texts_of(*popup) == texts_of(menu_->popup)) return;  // as it was
  const Menu::Plan plan = menu_->plan;
  const std::string chosen = menu_->popup.items[menu_->item].text;
  const int keys_left = menu_->keys_left;
  end_list("ignored", "asked for again");
  if (!popup) return;
  show_list(std::move(*popup));
  for (std::size_t i = 0; i < menu_->popup.items.size(); ++i)
    if (menu_->popup.items[i].text == chosen) {
      menu_->item = i;
      menu_->plan = plan;
      menu_->keys_left = keys_left;
    }
}

void Typist::act_on_list() {
  Menu& menu = *menu_;
  if (menu.plan == Menu::Plan::kTypeOn || menu.keys_left-- > 0) return;
  switch (menu.plan) {
    case Menu::Plan::kTake:
    case Menu::Plan::kGoThrough:
      return take_from_list();
    case Menu::Plan::kEscape:
      editor_.wait(between(100, 1'500));
      escaped_ = menu_->popup;
      escaped_truth_ = menu_->truth;
      return leave_list_untold("escaped");
    case Menu::Plan::kLeave:
      editor_.wait(between(100, 1'500));
      if (ghost_) {
        menu.plan = Menu::Plan::kTypeOn;
        return;
      }
      return reopen(false);
    case Menu::Plan::kTypeOn:
      return;
  }
}

void Typist::take_from_list() {
  const std::string typed = typed_word();
  const PopupMenu popup = menu_->popup;
  const ListItem item = popup.items[menu_->item];
  const bool through = menu_->plan == Menu::Plan::kGoThrough;
  menu_->plan = Menu::Plan::kTypeOn;
  if (!item.text.starts_with(typed) || item.text.size() < typed.size() + 2) return;
  const std::string word = typed + std::string(wanted());
  const std::size_t agreed = agreement(item.text, word);
  if (agreed <= typed.size()) return;
  editor_.wait(between(150, 1'200));
  if (!ghost_meets_item(item, typed, through)) return;
  const std::size_t truth = menu_->truth;
  if (keystroke_sized(item.text.substr(typed.size()))) {
    truths_[truth].scored = false;
    truths_[truth].unscored_because = "accepted as one character, without a command";
  } else if (shape_ == Shape::kSingleCharacters && item.text.size() - typed.size() <= kFewKeys) {
    truths_[truth].scored = false;
    truths_[truth].unscored_because = "accepted as a few single characters, without a command";
  }
  truths_[truth].text = item.text;
  end_list("accepted", agreed == item.text.size() ? "took an item" : "took an item and mended it");
  if (through) {  // others stand there for a moment
    truths_[truth].behaviour = "looked through the items and took one";
    for (const ListItem& other : popup.items) {
      if (differing(other.text, item.text) < 3 || !other.additional.empty() || chance(0.5))
        continue;
      // Told as whole texts, the step from one to the other is a part taken away.
      if (editor_.full_sync() && other.text.starts_with(item.text)) continue;
      editor_.write_accepted(item.begin, other.text);
      editor_.wait(between(200, 900));
      break;
    }
  }
  take_item(editor_, item);
  shift(item.additional.size());
  doubt_ended();
  const std::size_t begin = item.begin + item.additional.size();
  watch(truth, begin, item.text);
  if (agreed < item.text.size()) {
    editor_.wait(between(300, 2'500));
    return cut_back_to(begin + agreed);
  }
  if (!chance(habits_.undo)) return;
  if (ghost_) doubt_ghost("an item that it goes on from is undone");
  editor_.wait(chance(0.3) ? between(300, 2'500) : between(3'200, 6'000));
  if (editor_.now() - regions_.back().at_ms < kLooksThroughMs) {
    truths_[truth].scored = false;
    truths_[truth].unscored_because = "an item taken out within 3 s: looking through them is alike";
    taken_out_ = popup;
  }
  take_back(truth, begin, item.text, typed);
}

// Some candidate begins as an item of the list goes on: what is taken of it may be that item.
bool Typist::meets_list() const {
  const std::string typed = typed_word();
  for (const ListItem& item : menu_->popup.items) {
    if (!item.text.starts_with(typed) || item.text == typed) continue;
    for (const Item& ghost : ghost_->items)
      if (remainder(ghost).starts_with(item.text.substr(typed.size()))) return true;
  }
  return false;
}

// A ghost text as an item comes. False: which of the two it was cannot be told, so it is not done.
bool Typist::ghost_meets_item(const ListItem& item, const std::string& typed, bool through) {
  if (!ghost_) return true;
  const std::string added = item.text.substr(typed.size());
  const std::string mine = remainder(ghost_->items[ghost_->item]);
  for (const Item& one : ghost_->items)
    if (remainder(one) == added) return false;
  const bool goes_on = ghost_->displayable && mine.starts_with(added);
  // In these editors the typed word goes, and comes again.
  const bool over_its_begin =
      (shape_ == Shape::kDeleteThenInsert || shape_ == Shape::kSixNotifications ||
       shape_ == Shape::kSingleCharacters) &&
      ghost_->begin > item.begin;
  if (goes_on && !over_its_begin && !through && item.additional.empty())
    return true;  // as if it was typed
  if (goes_on)
    doubt_ghost("editors differ in whether ghost text stays as an item comes");
  else
    end_ghost(ghost_->displayable ? "ignored" : "unseen", "an item of a list was taken");
  gone_.reset();
  return true;
}

void Typist::end_list(const std::string& outcome, const std::string& behaviour) {
  Truth& truth = truths_[menu_->truth];
  truth.display_ms = editor_.now() - menu_->shown_ms;
  truth.outcome = outcome == "accepted" || truth.display_ms >= kSeenMs ? outcome : "unseen";
  if (truth.behaviour.empty()) truth.behaviour = behaviour;
  menu_.reset();
}

void Typist::end_list_unscored(const std::string& because) {
  truths_[menu_->truth].scored = false;
  truths_[menu_->truth].unscored_because = because;
  end_list("ignored", because);
}

void Typist::leave_list(const std::string& behaviour) {
  if (menu_) end_list("ignored", behaviour);
}

void Typist::leave_list_untold(const std::string& behaviour) {
  if (!menu_) return;
  if (editor_.now() - menu_->shown_ms < kSeenMs)
    end_list_unscored("left within 500 ms, and nothing tells so");
  else
    end_list("ignored", behaviour);
}

// Lines came at the top.
void Typist::shift(std::size_t bytes) {
  if (bytes == 0) return;
  above_ += bytes;
  const auto move = [bytes](std::vector<Item>& items) {
    for (Item& item : items) {
      item.begin += bytes;
      item.end += bytes;
    }
  };
  if (ghost_) {
    move(ghost_->items);
    ghost_->begin += bytes;
  }
  if (gone_) gone_->begin += bytes;
  if (doubt_) doubt_->begin += bytes;
  for (Ended& one : ended_) move(one.items);
}

}  // namespace strop::simulation
