// Takes secrets out of an event and of what a model is asked, those that the cursor cuts too.
//
// A secret may begin before the cursor and end in what was suggested there, or its name may stand
// before it and its value behind. So texts are looked at as they stand together in the document,
// and each alone; of a secret that lies in two of them nothing stays in either. For an outcome,
// which has only what was accepted, the text around the suggestion is remembered here: a bounded
// number of them, in memory alone. One thread at a time. Throws what `find` throws.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/event.h"
#include "schema/secrets.h"

namespace strop::agent {

class EventScrubber {
 public:
  // As schema::scan_secrets.
  using Find = std::function<std::vector<schema::SecretHit>(std::string_view)>;

  explicit EventScrubber(Find find) : find_(std::move(find)) {}

  // The texts of the body; its words and those around it are left as they are.
  schema::Event scrubbed(schema::Event event);
  // A prefix and a suffix.
  std::pair<std::string, std::string> scrubbed(std::string_view prefix, std::string_view suffix);
  // A text that stands alone.
  std::string scrubbed(std::string_view text);

 private:
  struct Around {
    std::string before;
    std::string after;
  };
  using Hits = std::vector<schema::SecretHit>;

  void scrub(schema::Offered& offered);
  void remember(const std::string& suggestion, const schema::Offered& offered);
  std::string scrubbed_within(const Around& around, const std::string& text);
  // Of texts that follow one another: what lies in each, by its own places.
  std::vector<Hits> find_in(const std::vector<std::string_view>& texts) const;
  std::string without(std::string_view text, Hits hits) const;

  const Find find_;
  std::map<std::string, Around> around_;
  std::deque<std::string> remembered_;  // oldest first
};

}  // namespace strop::agent
