// A simulated developer: knows the file it wants to write, types it keystroke by keystroke, and
// does with completions what developers do.
//
// Owns its ground truth; uses an Editor. One thread. Seeded: the same seed, files and offers give
// the same messages. All times are virtual. It decides by what it sees (the ghost text against its
// intent), never by anything the product reports.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "simulation/editor.h"
#include "simulation/truth.h"

namespace strop::simulation {

struct Habits {
  double ask_every_key =
      0;  // share of sessions' keystrokes after which the editor asks, as VS Code does at each
  double ask_line_start = 0.35;  // … asked only at a pause: at a line's first characters
  double ask_mid_line = 0.03;
  double paste = 0.002;  // a keystroke that is a paste of the next line instead
  double typo = 0.005;
  double look_away = 0.06;
  double escape = 0.03;
  double undo = 0.05;
  double foreign = 0;      // a keystroke that is another assistant's text instead
  double near_miss = 0.4;  // share of a suggestion that must agree before it is worth mending
};

// One stretch of a file to write: everything before `begin` is there already, everything from `end`
// on is not yet.
struct Task {
  std::string uri;
  std::string language;
  std::string target;  // the whole file as the developer wants it
  std::size_t begin = 0;
  std::size_t end = 0;
  bool keep_rest = false;  // the text behind `end` is already there: completions see a suffix
};

class Typist {
 public:
  Typist(Editor& editor, Habits habits, Shape shape, std::uint64_t seed)
      : editor_(editor), habits_(habits), shape_(shape), random_(seed) {}

  // Opens the file, writes the stretch, lets it rest, closes it.
  void write(const Task& task);

  const std::vector<Truth>& truths() const { return truths_; }
  std::size_t keystrokes() const { return keystrokes_; }

 private:
  enum class Plan {
    kAccept,
    kTypeThrough,
    kPartial,
    kMend,
    kTypeOver,
    kTypeOverAtOnce,
    kLookAway,
    kEscape,
    kClose
  };

  struct Ghost {
    std::size_t truth;  // index into truths_
    std::size_t item;   // which candidate is looked at
    std::vector<Item> items;
    double shown_ms;
    Plan plan;
    bool displayable;
    bool partial = false;
    double displayed_before_ms = 0;  // the same text was here a moment ago
  };

  // A ghost text that went, and may come again where it was.
  struct Gone {
    std::size_t truth;
    std::string text;    // of the document before the cursor, from the anchor's line on
    std::string offers;  // what it would have added
    double at_ms;
    bool partial;
  };

  // One that was lately shown and not accepted.
  struct Ended {
    std::size_t truth;
    std::vector<Item> items;
    double at_ms;
  };

  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(random_) < p; }
  double between(double low, double high) {
    return std::uniform_real_distribution<>(low, high)(random_);
  }

  std::string_view rest() const;
  std::string remainder(const Item& item) const;
  std::string next_keys() const;
  void press();
  void press_keys(const std::string& keys);
  void ask();
  void show(std::vector<Item> items);
  void act();
  Plan choose(const Ghost& ghost);

  void accept();
  void accept_words();
  void mend();
  void look_away();
  void paste_line();
  void take_from_another();
  void put_at_once(const std::string& text);
  void make_typo();

  bool comes_again(const std::string& offers) const;
  std::string before_cursor() const;

  // Ends the ghost with what the display time makes of it: `outcome` from 500 ms on, else unseen.
  void end_ghost(const std::string& outcome, const std::string& behaviour);
  void end_ghost_unscored(const std::string& because);

  Editor& editor_;
  Habits habits_;
  Shape shape_;
  std::mt19937_64 random_;
  Task task_;
  std::optional<Ghost> ghost_;
  std::optional<Gone> gone_;
  std::vector<Ended> ended_;
  bool ask_always_ = false;
  bool closed_ = false;
  std::vector<Truth> truths_;
  std::size_t keystrokes_ = 0;
};

}  // namespace strop::simulation
