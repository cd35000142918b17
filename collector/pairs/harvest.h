// All pairs of a store: derived, rid of duplicates, split and weighted, in two passes over the
// suggestions, so that at no time more than one of them is held.
//
// Ownership: keeps the source. Thread: one. The first pass counts (`survey`), the second one hands
// each pair out; both must see the same suggestions. Nothing derived is ever stored: what is erased
// from the store is gone from the next harvest. Errors: the source's, thrown through.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "collector/pairs/derive.h"
#include "collector/pairs/split.h"
#include "collector/quality/weights.h"

namespace strop::collector {

struct HarvestOptions {
  PairOptions pairs;
  WeightOptions weights;
  std::optional<SplitBy> split_by;  // nullopt: as SplitChooser says
  double heldout_share = 0.1;
};

struct HarvestReport {
  std::uint64_t suggestions = 0;
  std::map<std::string, std::uint64_t> pairs;  // by kind
  std::map<std::string, std::uint64_t> languages;
  std::map<std::string, std::uint64_t> discards;  // by reason
  std::uint64_t wanted = 0;                       // unpaired examples
  std::uint64_t unwanted = 0;
  std::uint64_t contributors = 0;
  SplitBy split_by = SplitBy::kNone;
  double heldout_share = 0;
  std::uint64_t groups = 0;     // (contributor, repository) with pairs
  std::uint64_t documents = 0;  // with pairs
  std::uint64_t train = 0;
  std::uint64_t heldout = 0;
  bool operator==(const HarvestReport&) const = default;

  std::uint64_t all_pairs() const { return train + heldout; }
};

class Harvest {
 public:
  // Hands every suggestion's history to the function, each time in the same order.
  using Source = std::function<void(const std::function<void(SuggestionHistory)>&)>;

  Harvest(Source source, HarvestOptions options, std::string split_key)
      : source_(std::move(source)), options_(std::move(options)), key_(std::move(split_key)) {}

  HarvestReport survey();

  // REQUIRES: surveyed.
  void each_pair(const std::function<void(const schema::PreferencePair&)>& visit) const;
  void each_example(const std::function<void(const schema::UnpairedExample&)>& visit) const;

 private:
  void finish(schema::PreferencePair& pair, const Origin& origin, const Weights& weights) const;

  const Source source_;
  const HarvestOptions options_;
  const std::string key_;
  std::optional<Splitter> splitter_;
  Weights pair_weights_;
  Weights example_weights_;
};

}  // namespace strop::collector
