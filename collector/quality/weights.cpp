#include "collector/quality/weights.h"

#include <algorithm>
#include <cmath>

namespace strop::collector {

void Weights::count(const std::string& contributor, const std::string& language,
                    const std::string& kind) {
  ++all_;
  ++by_contributor_[contributor];
  ++by_stratum_[{language, kind}];
  ++cells_[{contributor, {language, kind}}];
}

// A team of K can never keep everyone below 1/K; twice the fair share is the least that is asked.
double Weights::contributor_factor(std::size_t pairs) const {
  const double fair = 2.0 / static_cast<double>(by_contributor_.size());
  const double share = std::min(1.0, std::max(options_.contributor_share, fair));
  return std::min(1.0, share * static_cast<double>(all_) / static_cast<double>(pairs));
}

void Weights::settle() {
  stratum_factor_.clear();
  scale_ = 1;
  if (all_ == 0) return;
  const double mean = static_cast<double>(all_) / static_cast<double>(by_stratum_.size());
  for (const auto& [stratum, pairs] : by_stratum_)
    stratum_factor_[stratum] =
        std::clamp(std::pow(mean / static_cast<double>(pairs), options_.strata_exponent),
                   options_.least, options_.most);
  double sum = 0;
  for (const auto& [cell, pairs] : cells_)
    sum += static_cast<double>(pairs) * of(cell.first, cell.second.first, cell.second.second);
  scale_ = static_cast<double>(all_) / sum;
}

double Weights::of(const std::string& contributor, const std::string& language,
                   const std::string& kind) const {
  const auto who = by_contributor_.find(contributor);
  const auto stratum = stratum_factor_.find({language, kind});
  if (who == by_contributor_.end() || stratum == stratum_factor_.end()) return 1;
  return scale_ * contributor_factor(who->second) * stratum->second;
}

}  // namespace strop::collector
