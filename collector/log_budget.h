// How many lines a kind of event may have in the log: whoever makes them happen all day must not
// fill the disk with them.
//
// Values; one thread. Times are milliseconds of any steady clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "collector/rate_limit.h"

namespace strop::collector {

class LogBudget {
 public:
  explicit LogBudget(std::uint32_t lines_per_minute) : lines_(lines_per_minute) {}

  // Nothing: this line is left out. Else how many of its kind were left out since the last one.
  std::optional<std::uint64_t> take(const std::string& event, double now_ms) {
    if (!lines_.use(event, now_ms)) {
      ++left_out_[event];
      return std::nullopt;
    }
    const auto found = left_out_.find(event);
    if (found == left_out_.end()) return 0;
    const std::uint64_t count = found->second;
    left_out_.erase(found);
    return count;
  }

 private:
  RateLimit lines_;
  std::unordered_map<std::string, std::uint64_t> left_out_;  // by event: those of the source alone
};

}  // namespace strop::collector
