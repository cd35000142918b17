// One inline suggestion (ghost text) from its offer to its verdict.
//
// A state machine over edits, re-offers, an editor's words and time; owns its view of the document
// around the cursor. One thread. Times are milliseconds, offsets bytes. No errors.
//
//   shown ──typed as suggested──▶ shown ──typed out, inserted──▶ matched ──▶ verdict
//     │ typed otherwise, edit or request elsewhere, another offer
//     ▼
//   hidden ──the same text offered again here──▶ shown
//     │ kReshowMs
//     ▼
//   verdict
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/live_region.h"
#include "agent/settling.h"
#include "schema/event.h"

namespace strop::agent {

inline constexpr double kSeenMs = 500;      // shown for less in all: unseen
inline constexpr double kReshowMs = 2'000;  // a hidden one may come back for so long
inline constexpr double kCommandMs = 500;   // the command comes behind the text, if it comes
inline constexpr double kOpenMs = 600'000;  // nothing heard of it for so long

// How long something was on the screen.
class DisplayTime {
 public:
  void show(double t_ms) {
    if (!since_) since_ = t_ms;
  }
  void hide(double t_ms) {
    if (since_) total_ += t_ms - *since_;
    since_.reset();
  }
  bool on() const { return since_.has_value(); }
  double total(double t_ms) const { return total_ + (since_ ? t_ms - *since_ : 0); }

 private:
  double total_ = 0;
  std::optional<double> since_;
};

// Which candidate an item of an answer is, and where its own text begins in it: what is offered
// again once a part is typed is shorter.
struct NamedItem {
  std::size_t candidate = 0;
  std::ptrdiff_t begin = 0;  // bytes from the region's begin; negative: before it
};

// An item of an answer, its range as it stands in the document now.
struct InlineItem {
  std::string text;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// What a notification did to a suggestion: whether its text came from it.
// kAgain: the text that came from it was taken out and put back, as some editors accept.
enum class Claim { kNone, kAccepted, kPartial, kAgain };

class InlineSuggestion {
 public:
  // `text`: the document now. REQUIRES: at least one item; ranges and cursor lie within the text.
  InlineSuggestion(std::string id, const std::vector<InlineItem>& items, std::string_view text,
                   std::size_t cursor, double t_ms);

  const std::string& id() const { return id_; }

  // The document moved on before the answer came: not shown.
  void outrun(double t_ms);
  void show(double t_ms);
  bool displayable() const { return displayed_.has_value(); }
  bool visible() const { return display_.on(); }

  // True when these items, offered here and now, are this suggestion once more. They are then known
  // by what `take_reoffer` gives, in order.
  bool continued_by(const std::vector<InlineItem>& items, std::string_view text,
                    std::size_t cursor) const;
  std::vector<NamedItem> take_reoffer(const std::vector<InlineItem>& items, double t_ms,
                                      bool outrun);
  // The same of the items of the first offer.
  std::vector<NamedItem> named_items() const;

  Claim take(const Notification& notification);

  // Another offer took its place, or the cursor is known to be elsewhere.
  void replaced(double t_ms);
  void moved_away(double t_ms);
  // A sibling (an offer at the same place) was accepted.
  void sibling_accepted(double t_ms);

  // The same text came from a popup list, unless a command says otherwise.
  void contest() { contested_ = true; }
  // The text that completed this hidden one was another suggestion's.
  void yield_match();
  // The editor tells where its cursor is. False: not where the suggestion would be shown.
  bool cursor_at(std::size_t document_offset);

  // An accept that the editor told, by its command or a message of its own.
  void told_accepted(std::size_t candidate, schema::Evidence evidence, double t_ms);
  // `utf16_units`: of the item's text; `text`: that text, if the editor gave it.
  void told_partial(NamedItem item, std::size_t utf16_units, std::string_view text, double t_ms);
  void told_dismissed(double t_ms);

  // The time at which the verdict is due if nothing else happens.
  double deadline() const;
  bool ready(double t_ms) const { return t_ms >= deadline(); }
  // `closed`: the document or the session ended.
  schema::Outcome verdict(double t_ms, bool closed) const;
  // After the verdict it only follows the edits, for an accept that is told late.
  void finish() { phase_ = Phase::kDone; }
  bool done() const { return phase_ == Phase::kDone; }
  schema::OutcomeKind judged() const { return judged_; }
  void set_judged(schema::OutcomeKind outcome) { judged_ = outcome; }

  std::size_t document_cursor() const { return region_.document_cursor(); }
  std::optional<std::size_t> candidate_of_text(std::string_view text) const;
  std::vector<std::string> texts() const;  // the candidates'
  bool matched() const { return phase_ == Phase::kMatched; }
  double matched_ms() const { return match_ ? match_->t_ms : 0; }
  bool told() const { return told_.has_value(); }

  // What settles from here on, once the suggestion is matched or hidden.
  bool watch_wanted() const;
  Settling::Start watch_start(double t_ms) const;
  std::optional<Settling> watch;

 private:
  enum class Phase { kOpen, kMatched, kDone };
  enum class Hidden {
    kNot,
    kUndisplayable,
    kOutrun,
    kTypedOver,
    kMoved,
    kReplaced,    // other text came there
    kSuperseded,  // another answer did
    kSibling,
    kDismissed
  };
  struct Candidate {
    std::string text;  // the item's own
    std::string full;  // from the region's begin to the item's text's end
    std::string tail;  // of the region, behind what the item replaces
  };
  struct Match {
    std::size_t candidate = 0;
    bool typed = false;
    bool ambiguous = false;  // might be a key press as well as an accept
    TrackedRange range;
    std::string before;  // what stood in the range
    double t_ms = 0;
  };
  struct Step;

  Candidate candidate_of(const InlineItem& item) const;
  std::optional<std::size_t> complete() const;
  bool agrees() const;
  std::string_view remainder() const;
  void place_cursor_in_pair(const Edit& core);
  void step(const Edit& edit, const Notification& notification, Step& step);
  void hide(Hidden why, double t_ms);
  void match(Match match);
  Claim follow(const Notification& notification);
  TrackedRange range_of(const Candidate& candidate) const;
  std::string accepted_part() const;
  schema::Outcome judge_match() const;
  schema::Outcome judge_partial(double t_ms) const;

  std::string id_;
  std::vector<Candidate> candidates_;
  LiveRegion region_;
  std::size_t offered_lead_ = 0;  // bytes of the region before the displayed item's range
  std::optional<std::size_t> displayed_;
  DisplayTime display_;
  bool shown_once_ = false;
  double last_ms_ = 0;  // when it was last heard of

  Phase phase_ = Phase::kOpen;
  Hidden hidden_ = Hidden::kNot;
  double hidden_ms_ = 0;
  std::string hidden_text_;
  std::size_t hidden_cursor_ = 0;
  bool lost_ = false;  // other text went over its beginning: where it was is not known any more

  std::size_t partial_ = 0;  // bytes from the region's begin that were accepted in pieces
  std::size_t partial_candidate_ = 0;
  schema::Evidence partial_evidence_ = schema::Evidence::kState;
  std::optional<Match> match_;
  bool contested_ = false;
  bool maybe_accepted_ = false;  // a key press, or another candidate of one key press's size
  std::optional<std::size_t> told_;
  schema::Evidence told_evidence_ = schema::Evidence::kCommand;
  double told_ms_ = 0;
  schema::OutcomeKind judged_ = schema::OutcomeKind::kUnknown;
};

}  // namespace strop::agent
