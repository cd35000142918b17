// What was handed to capture, and what capture said of it: the oracle's own record, kept outside of
// the programs under test.
//
// Owns the journal, a file that only grows: what is handed over is on disk there before anybody
// captures it. One thread. Errors: a journal that cannot be written is an exception.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schema/wire.h"
#include "support/descriptor.h"

namespace strop::faults {

// An epoch and a sequence number.
using Place = std::pair<schema::WireId, std::uint64_t>;

struct Handed {
  std::string hash;  // of the payload
  enum class Word { kNone, kCaptured, kGivenUp } word = Word::kNone;
  std::optional<Place> place;  // of one that was captured
  // Whether the developer asked that it be forgotten, and was told that it is.
  enum class Wish { kNone, kAsked, kForgotten } wish = Wish::kNone;
};

class Truth {
 public:
  explicit Truth(const std::filesystem::path& journal);

  // New names of the kind `prefix`-N, on disk in the journal when this returns.
  std::vector<std::string> hand(const std::string& prefix, std::size_t count);
  void captured(const std::string& name, const Place& place);
  void given_up(const std::string& name);
  void wished(const std::string& name, Handed::Wish wish);

  const std::map<std::string, Handed>& events() const { return events_; }
  // Nothing: no event of that place was said to be captured.
  const std::string* at(const Place& place) const;

 private:
  void write(const std::string& lines) const;

  support::Descriptor journal_;
  std::map<std::string, Handed> events_;
  std::map<Place, std::string> places_;
};

}  // namespace strop::faults
