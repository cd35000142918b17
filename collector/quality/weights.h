// How much each pair counts, apart from whether its label is true: no contributor floods the rest,
// no language or kind drowns the others.
//
// Values and pure functions, any thread. Weights are positive and average 1 over the pairs they are
// made from. Contributors are never ranked: only counts go in, and a factor comes out.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace strop::collector {

struct WeightOptions {
  double contributor_share = 0.005;  // at most so much of all pairs a contributor, in a large team
  double strata_exponent = 0.5;      // 0: as they come, 1: every stratum the same in all
  double least = 0.25;               // bounds of a stratum's factor
  double most = 4;
};

class Weights {
 public:
  explicit Weights(WeightOptions options = {}) : options_(options) {}

  // First all pairs are counted…
  void count(const std::string& contributor, const std::string& language, const std::string& kind);
  // …then `settle` makes the factors of them…
  void settle();
  // …and each gets its weight. A pair like none counted weighs 1.
  double of(const std::string& contributor, const std::string& language,
            const std::string& kind) const;

 private:
  using Stratum = std::pair<std::string, std::string>;  // language, kind

  double contributor_factor(std::size_t pairs) const;

  WeightOptions options_;
  std::size_t all_ = 0;
  std::map<std::string, std::size_t> by_contributor_;
  std::map<Stratum, std::size_t> by_stratum_;
  std::map<std::pair<std::string, Stratum>, std::size_t> cells_;
  std::map<Stratum, double> stratum_factor_;
  double scale_ = 1;
};

}  // namespace strop::collector
