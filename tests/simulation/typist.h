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
#include "simulation/popup_menu.h"
#include "simulation/server_edits.h"
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

  // What only strop-prophet has an answer to, or what few do.
  double lists = 0;          // words at which a popup list is asked for
  double interruptions = 0;  // suggestions left for another file, a branch, a rename, a reopening
  double late = 0;           // accepts whose command comes behind the next keys, or before the text
  double outrun = 0;         // requests that a key overtakes
  double cycle = 0;          // suggestions of which more are asked for by hand
  double agent = 0;          // stretches at whose end the server edits, too
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
      : editor_(editor), habits_(habits), shape_(shape), random_(seed) {
    editor_.on_change([this](const Editor::Change& change, const std::string& replaced) {
      rebase(change, replaced);
    });
  }
  Typist(const Typist&) = delete;
  Typist& operator=(const Typist&) = delete;

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
    kClose,
    kCycle,
    kReopen,
    kRename,
    kSwitchBranch,
    kOtherFile,
    kLookElsewhere
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
    std::size_t begin = 0;           // of the text when it was first offered
  };

  // A popup list on the screen.
  struct Menu {
    std::size_t truth;
    PopupMenu popup;
    double shown_ms;
    enum class Plan { kTypeOn, kTake, kGoThrough, kEscape, kLeave } plan;
    std::size_t item = 0;  // the one to take
    int keys_left = 0;     // so many more are typed before
  };

  // An accepted text, where it stands now.
  struct Region {
    std::size_t truth;
    std::size_t begin;
    std::size_t end;
    std::string text;
    bool formatted = false;
    bool undone = false;
    bool switched = false;
    double at_ms = 0;
    bool cut = false;       // its end was taken away: what is written there instead is its own
    bool doubtful = false;  // something happened to what may be that end
  };
  enum class Hand { kDeveloper, kUndo, kFormatter, kBranch };

  // A ghost text that went, and may come again where it was.
  struct Gone {
    std::size_t truth;
    std::string text;    // of the document before the cursor, from the anchor's line on
    std::string offers;  // what it would have added
    double at_ms;
    bool partial;
    bool outrun;  // never shown: a key came before the answer
    std::size_t begin;
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

  // What of the target is written: the document may have lines above that are not the target's.
  std::size_t written() const { return editor_.cursor() - above_; }
  bool done() const { return closed_ || written() >= task_.end; }
  nlohmann::json where(std::size_t offset) const;  // in UTF-16, as the events have it
  std::string_view wanted() const { return rest().substr(0, task_.end - written()); }
  std::string_view rest() const;
  std::string remainder(const Item& item) const;
  std::string whole(const Item& item) const;
  std::string next_keys() const;
  void press();
  void press_keys(const std::string& keys);
  void go_on();  // what comes behind a key press
  void ask();
  void ask_as_it_goes();
  void show(std::vector<Item> items);
  void act();
  Plan choose(const Ghost& ghost);

  void escape();
  void accept();
  void accept_words();
  void mend();
  void cut_back_to(std::size_t right_end);
  void cycle();
  void take_back(std::size_t truth, std::size_t begin, const std::string& text,
                 const std::string& replaced);

  // typist_popup.cpp
  bool starts_word() const;
  std::string typed_word() const;
  void ask_list();
  void show_list(PopupMenu popup);
  void plan_list();
  void key_meets_list(const std::string& keys);
  void ask_list_again();
  void act_on_list();
  void take_from_list();
  bool meets_list() const;
  bool ghost_meets_item(const ListItem& item, const std::string& typed, bool through);
  void end_list(const std::string& outcome, const std::string& behaviour);
  void end_list_unscored(const std::string& because);
  void leave_list(const std::string& behaviour);
  void leave_list_untold(const std::string& behaviour);  // nothing tells when

  // typist_interruptions.cpp
  void look_away();
  void look_elsewhere();
  void visit_other_file();
  void switch_branch();
  void reopen(bool renamed);
  void shift(std::size_t bytes);

  // typist_agent.cpp
  void work_with_agent();
  void take_applied_edit();
  void take_action();
  void meet_inline_edit();
  void format();
  std::vector<std::size_t> note_hunks(const std::vector<ServerHunk>& hunks,
                                      const std::string& behaviour, const std::string& outcome);
  void follow_hunks(const std::vector<ServerHunk>& hunks, const std::vector<std::size_t>& places,
                    const std::vector<std::size_t>& truths);
  void change_hunk(const Region& region);
  Telling telling();

  // What became of accepted texts.
  void watch(std::size_t truth, std::size_t begin, const std::string& text);
  void rebase(Editor::Change change, std::string_view replaced);
  void judge_fates();
  void run_late(bool now);
  void paste_line();
  void take_from_another();
  void put_at_once(const std::string& text);
  void doubt_ended();
  void make_typo();

  bool comes_again(const std::string& offers) const;
  std::string before_cursor() const;

  // Ends the ghost with what the display time makes of it: `outcome` from 500 ms on, else unseen.
  void end_ghost(const std::string& outcome, const std::string& behaviour);
  void end_ghost_unscored(const std::string& because);
  // The same; what is left of it may be shown still.
  void doubt_ghost(const std::string& because);
  bool in_doubt(const Item& item) const;

  Editor& editor_;
  Habits habits_;
  Shape shape_;
  std::mt19937_64 random_;
  Task task_;
  std::optional<Ghost> ghost_;
  std::optional<Menu> menu_;
  std::optional<PopupMenu> taken_out_;  // of which an item stood there for a moment
  std::optional<PopupMenu> escaped_;    // the last that was dismissed
  std::size_t escaped_truth_ = 0;
  std::vector<Region> regions_;
  Hand hand_ = Hand::kDeveloper;
  std::size_t above_ = 0;  // bytes of lines at the top that came with items of lists
  struct Late {
    Told told;
    double due_ms;
  };
  std::optional<Late> late_;
  int times_renamed_ = 0;
  std::optional<Gone> gone_;
  // A ghost text of which is not known whether it stayed: where it began, and all of it.
  struct Doubt {
    std::size_t begin;
    std::string text;
  };
  std::optional<Doubt> doubt_;
  std::vector<Ended> ended_;
  bool ask_always_ = false;
  bool closed_ = false;
  std::vector<Truth> truths_;
  std::size_t keystrokes_ = 0;
};

}  // namespace strop::simulation
