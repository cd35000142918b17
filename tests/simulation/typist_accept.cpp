// What the simulated developer does with a ghost text once decided: Escape, cycling, accepts whole
// and in parts, mending.
#include <algorithm>

#include "simulation/typed_text.h"
#include "simulation/typist.h"

namespace strop::simulation {

using nlohmann::json;

void Typist::escape() {
  editor_.wait(between(300, 1'500));
  if (editor_.tells_rejects()) {
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
}

// Asks for more by hand, looks at them one by one, and takes the right one if it is there.
void Typist::cycle() {
  editor_.wait(between(300, 1'200));
  std::vector<Item> more = editor_.complete(true);
  Ghost& ghost = *ghost_;
  ghost.plan = Plan::kTypeThrough;
  if (more.empty() || remainder(more[0]) != remainder(ghost.items[0])) {
    end_ghost_unscored("asked by hand, the server offers something else");
    return;
  }
  ghost.items = std::move(more);
  if (menu_ && meets_list()) return;  // whose it was could not be told
  for (std::size_t i = 0; i < ghost.items.size(); ++i) {
    ghost.item = i;
    editor_.report_shown(ghost.items[i]);
    const std::string text = remainder(ghost.items[i]);
    if (!text.empty() && agreement(text, wanted()) == text.size()) return accept();
    editor_.wait(between(200, 700));
  }
  ghost.item = 0;
  editor_.report_shown(ghost.items[0]);
}

void Typist::accept() {
  const std::string_view wanted = this->wanted();
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
  const bool by_command = editor_.tells_accept(item);
  if (!by_command && keystroke_sized(text)) {
    truth.scored = false;
    truth.unscored_because = "accepted as one character, without a command";
  } else if (!by_command && shape_ == Shape::kSingleCharacters && text.size() <= kFewKeys) {
    truth.scored = false;
    truth.unscored_because = "accepted as a few single characters, without a command";
  }
  truth.text = whole(item);
  const std::size_t accepted = ghost_->truth;
  const std::size_t begin = item.begin;
  const std::size_t first_begin = ghost_->begin;
  const std::string all = whole(item);
  const std::string replaced = editor_.text().substr(begin, editor_.cursor() - begin);
  end_ghost("accepted", ghost_->item == 0 ? "accepted" : "accepted another candidate");
  leave_list("the ghost text was taken");
  if (shape_ == Shape::kSingleCharacters && chance(0.3)) {
    const std::string_view ahead = rest().substr(text.size());
    const std::string key(ahead.substr(0, ahead.empty() ? 0 : character_length(ahead, 0)));
    if (!key.empty() && key != "\n" && key != "\r" &&
        written() + text.size() + key.size() < task_.end) {
      editor_.accept(item, key);
      return watch(accepted, first_begin, all);
    }
  }
  if (by_command && chance(habits_.late)) {
    if (chance(0.3)) {  // before the text
      truth.behaviour += ", told before the text";
      editor_.send(editor_.told_of_accept(item));
      editor_.wait(between(5, 200));
      editor_.apply(item);
    } else {
      truth.behaviour += ", told late";
      run_late(true);
      editor_.apply(item);
      late_ = Late{*editor_.told_of_accept(item), editor_.now() + between(100, 4'000)};
    }
    return watch(accepted, first_begin, all);
  }
  editor_.accept(item);
  watch(accepted, first_begin, all);
  if (chance(habits_.undo)) {
    editor_.wait(between(300, 4'000));
    take_back(accepted, begin, item.text, replaced);
  }
}

// Undone; perhaps done again, and once more.
void Typist::take_back(std::size_t truth, std::size_t begin, const std::string& text,
                       const std::string& replaced) {
  truths_[truth].behaviour += ", then undone";
  hand_ = Hand::kUndo;
  editor_.edit(begin, begin + text.size(), replaced);
  if (habits_.lists > 0 && chance(0.5)) {
    editor_.wait(between(300, 3'000));
    truths_[truth].behaviour += " and redone";
    editor_.edit(begin, begin + replaced.size(), text);
  }
  hand_ = Hand::kDeveloper;
}

// Accepts a near miss and mends its end: deletes back to where it agrees; the right text is typed
// on from there.
void Typist::mend() {
  const std::string_view wanted = this->wanted();
  const std::string text = remainder(ghost_->items[0]);
  const std::size_t agreed = agreement(text, wanted);
  editor_.wait(between(300, 1'800));
  const Item item = ghost_->items[0];
  const std::size_t accepted = ghost_->truth;
  truths_[accepted].text = whole(item);
  const std::size_t right_end = editor_.cursor() + agreed;
  const std::size_t first_begin = ghost_->begin;
  const std::string all = whole(item);
  leave_list("the ghost text was taken");
  end_ghost("accepted", "accepted and mended");
  editor_.accept(item);
  watch(accepted, first_begin, all);
  editor_.wait(between(500, 2'500));
  cut_back_to(right_end);
}

// Takes away what is behind `right_end`: all of it selected, or key by key.
void Typist::cut_back_to(std::size_t right_end) {
  if (chance(0.3)) {
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
  const std::string_view wanted = this->wanted();
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
    truths_[ghost_->truth].text =
        editor_.text().substr(ghost_->begin, editor_.cursor() - ghost_->begin);
  }
  if (ghost_->partial) truths_[ghost_->truth].behaviour = "accepted word by word";
  ghost_->plan = Plan::kTypeThrough;
  if (!ghost_->partial) editor_.wait(between(600, 1'200));
}

}  // namespace strop::simulation
