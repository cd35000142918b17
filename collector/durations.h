// How long things took, as a Prometheus histogram counts it: how many took no longer than each
// bound, and the sum.
//
// Thread: noted by one, read by any; what is read while something is noted may lack it in part, and
// whoever reads takes the count last. Times are microseconds.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace strop::collector {

class Durations {
 public:
  static constexpr std::array<std::uint64_t, 10> kBounds{
      500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 1'000'000};

  void note(std::uint64_t microseconds) {
    ++count_;  // first, so that no bound is ever seen to have more than there are
    for (std::size_t i = 0; i < kBounds.size(); ++i)
      if (microseconds <= kBounds[i]) ++within_[i];
    sum_ += microseconds;
  }
  // How many took no longer than kBounds[bound].
  std::uint64_t within(std::size_t bound) const { return within_[bound]; }
  std::uint64_t count() const { return count_; }
  std::uint64_t sum() const { return sum_; }

 private:
  std::array<std::atomic<std::uint64_t>, kBounds.size()> within_{};
  std::atomic<std::uint64_t> sum_{0};
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace strop::collector
