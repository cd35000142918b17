// Takes secrets out of an event and of what a model is asked, those that the cursor cuts too.
//
// A secret may begin before the cursor and end in what was suggested there, or its name may stand
// before it and its value behind. So texts are looked at as they stand together in the document,
// and each alone; of a secret that lies in two of them nothing stays in either, nor in what it
// replaces. For an outcome, which has only what was accepted, the text around the suggestion is
// remembered here: a bounded number of them, in memory alone. One thread at a time. Throws what
// `find` throws.
#pragma once

#include <cstddef>
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

  // Whether what surrounds the text of the event is known, without which a secret may pass for
  // none.
  bool knows_place_of(const schema::Event& event) const;
  // The texts of the body; its words and those around it are left as they are. Throws
  // std::logic_error where the place is not known.
  schema::Event scrubbed(schema::Event event);
  // A prefix and a suffix.
  std::pair<std::string, std::string> scrubbed(std::string_view prefix, std::string_view suffix);
  // A text that stands alone.
  std::string scrubbed(std::string_view text);

 private:
  // What a candidate replaces, in bytes to the left of the cursor and behind it.
  struct Span {
    std::size_t left = 0;
    std::size_t behind = 0;
    bool operator==(const Span&) const = default;
  };
  struct Around {
    std::string before;
    std::string after;
    std::vector<Span> spans;  // each once; the first is empty
    // Of the candidates, with the rules that found them.
    std::vector<std::pair<std::string_view, std::string>> secrets;
  };
  using Hits = std::vector<schema::SecretHit>;

  static Around around_of(const schema::Offered& offered);
  // Wherever at the cursor this stands; nowhere if the document has changed since.
  static std::vector<Span> spans_of(std::string_view replaces, const Around& around);
  void scrub(schema::Offered& offered, Around& around) const;
  Around& remember(const std::string& suggestion, Around around);
  std::string scrubbed_within(const std::string& suggestion, const std::string& text) const;
  // Of a text in place of `span`: what lies before it, in it and behind it.
  std::vector<Hits> find_at(const Around& around, const Span& span, std::string_view text) const;
  // Of texts that follow one another: what lies in each, by its own places.
  std::vector<Hits> find_in(const std::vector<std::string_view>& texts) const;
  std::string without(std::string_view text, Hits hits) const;

  const Find find_;
  std::map<std::string, Around> around_;
  std::deque<std::string> remembered_;  // oldest first
};

}  // namespace strop::agent
