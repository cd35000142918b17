#include "trainer/bootstrap.h"

#include <algorithm>
#include <cstdint>
#include <random>

namespace strop::trainer {
namespace {

constexpr std::uint64_t kSeed = 20240613;

double mean(const Share& share) { return share.count > 0 ? share.sum / share.count : 0; }

double quotient(const Share& before, const Share& after) {
  const double base = mean(before);
  return base > 0 ? mean(after) / base : 0;
}

void add(Share& to, const Share& one) {
  to.sum += one.sum;
  to.count += one.count;
}

}  // namespace

Ratio bootstrap_ratio(const std::vector<PairedShare>& clusters, int resamples) {
  Share before;
  Share after;
  for (const PairedShare& cluster : clusters) {
    add(before, cluster.before);
    add(after, cluster.after);
  }
  Ratio out{mean(before), mean(after), quotient(before, after), 0, 0};
  std::mt19937_64 random(kSeed);
  std::vector<double> ratios;
  for (int i = 0; i < resamples && !clusters.empty(); ++i) {
    Share drawn_before;
    Share drawn_after;
    for (std::size_t j = 0; j < clusters.size(); ++j) {
      const PairedShare& cluster = clusters[random() % clusters.size()];
      add(drawn_before, cluster.before);
      add(drawn_after, cluster.after);
    }
    // A draw in which nothing was kept before has no ratio.
    if (drawn_before.sum > 0) ratios.push_back(quotient(drawn_before, drawn_after));
  }
  if (ratios.empty()) return out;
  std::sort(ratios.begin(), ratios.end());
  const auto at = [&](double share) {
    return ratios[static_cast<std::size_t>(share * static_cast<double>(ratios.size() - 1) + 0.5)];
  };
  out.low = at(0.025);
  out.high = at(0.975);
  return out;
}

}  // namespace strop::trainer
