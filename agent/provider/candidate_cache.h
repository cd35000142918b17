// Candidates of the last answers, for as long as what is typed agrees with them.
//
// Owns copies of what surrounded the cursor at each answer; bounded in number and age, the one not
// used for longest goes first. One thread. Times are a steady clock's, passed in. No errors.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "agent/provider/inline_provider.h"
#include "agent/provider/token_logprobs.h"

namespace strop::agent {

// Candidates as they stand at the cursor, and where they came from.
struct KnownCandidates {
  std::vector<std::string> texts;
  ProviderNote note;      // `logprobs` and `propensities` by text
  std::size_t asked = 1;  // so many were asked for
  // By text; none where the model did not tell them apart.
  std::vector<TokenLogprobs> tokens = {};
};

class CandidateCache {
 public:
  using Time = std::chrono::steady_clock::time_point;

  CandidateCache(std::size_t most, std::chrono::milliseconds age) : most_(most), age_(age) {}

  // `asked`: as the editor's documents had it, before anything was taken out of it.
  void keep(const InlineAsk& asked, KnownCandidates candidates, Time now);

  // What is left of candidates that begin with all that was typed since; nothing: none does, or
  // something else changed. Of the answers that fit, the one of the longest text before the cursor.
  // Brackets and quotes that the editor closed by itself stay where they are: what is left then
  // goes up to the one that closes what the cursor stands in. Its log-probability is that of the
  // tokens that are left, and unknown where they were not told.
  std::optional<KnownCandidates> find(const InlineAsk& ask, Time now);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string uri;
    std::size_t offset = 0;
    std::string prefix;
    std::string suffix;
    KnownCandidates candidates;
    Time kept;
  };
  static std::optional<KnownCandidates> left_of(const Entry& entry, const InlineAsk& ask);

  const std::size_t most_;
  const std::chrono::milliseconds age_;
  std::list<Entry> entries_;  // the one used last in front
};

}  // namespace strop::agent
