// One popup completion list from its offer to its verdict.
//
// Accepted when, after a burst of changes, the document stands as one item would leave it, and it
// was not simply typed; never dismissed without an editor's word. Owns its view of the document
// around the cursor. One thread. Times are milliseconds, offsets bytes. No errors.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/inline_suggestion.h"
#include "agent/live_region.h"
#include "agent/settling.h"
#include "schema/event.h"

namespace strop::agent {

struct PopupItem {
  std::string text;  // as it would stand in the document
  // What it replaces, as the range stands in the document now. Some editors replace only what is
  // before the cursor (insert), some the rest of the word as well.
  std::size_t begin = 0;
  std::size_t insert_end = 0;
  std::size_t replace_end = 0;
  int rank = 0;
  std::string filter;  // what editors compare with what is typed
};

class PopupList {
 public:
  // `text`: the document now. REQUIRES: at least one item; ranges and cursor lie within the text.
  PopupList(std::string id, std::vector<PopupItem> items, std::string_view text, std::size_t cursor,
            double t_ms);

  const std::string& id() const { return id_; }
  Claim take(const Notification& notification);

  // Another list came (an item that was accepted stays), or the cursor is known to be elsewhere.
  void replaced(double t_ms);
  void moved_away(double t_ms);
  void sibling_accepted(double t_ms);
  // What looked like one of its items came from elsewhere.
  void lose_match(double t_ms);
  bool closed() const { return closed_ms_.has_value(); }
  double matched_ms() const { return match_ ? match_->t_ms : 0; }
  // An accept is under way that comes as several notifications.
  bool writing(double t_ms) const;
  // An editor's word: of the item with this rank, of the list.
  void told_accepted(int rank, double t_ms);
  void told_dismissed(double t_ms);
  // The same list once more at the same place.
  bool continued_by(const std::vector<PopupItem>& items, std::size_t cursor) const;

  double deadline() const;
  bool ready(double t_ms) const { return t_ms >= deadline(); }
  // `closed`: the document or the session ended.
  schema::Outcome verdict(double t_ms, bool closed) const;

  bool matched() const { return match_.has_value(); }
  std::size_t document_cursor() const { return region_.document_cursor(); }
  bool watch_wanted() const { return match_.has_value(); }
  Settling::Start watch_start(double t_ms) const;
  std::optional<Settling> watch;

 private:
  struct Match {
    std::size_t item = 0;
    TrackedRange range;
    std::string before;         // what stood in the range
    std::string region_before;  // the region's text, should the item be taken back
    double t_ms = 0;
    bool sealed = false;  // typing went on behind it: it stays
  };

  void begin_burst();
  void take_inside(const Edit& edit, const Notification& notification);
  void match(std::size_t item, double t_ms);
  std::optional<std::size_t> complete() const;
  bool rewritten() const;
  bool stands(const Match& match) const;
  bool still_fits() const;
  void close(schema::How how, double t_ms);

  std::string id_;
  std::vector<PopupItem> items_;
  std::size_t offered_begin_ = 0;  // the region's begin when offered: items' ranges count from it
  std::unordered_map<std::string, std::size_t> complete_;  // the region's text → item
  LiveRegion region_;
  DisplayTime display_;
  double last_ms_ = 0;

  // The burst of changes under way.
  double last_edit_ms_ = 0;
  std::string burst_text_;        // the region when it began
  std::size_t burst_cursor_ = 0;  // the cursor in it
  std::size_t burst_lowest_ = 0;  // how far back the cursor went since
  bool burst_at_once_ = false;    // something larger than a key press

  std::optional<double> written_ms_;  // an item was last put in, or taken out

  std::optional<Match> match_;
  bool taken_back_ = false;  // an item was put in and taken out again
  bool ambiguous_ = false;   // many keys in one notification have made an item's text
  std::optional<double> closed_ms_;
  schema::How how_ = schema::How::kNone;
  bool dismissed_ = false;
  bool told_ = false;
};

}  // namespace strop::agent
