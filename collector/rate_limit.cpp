#include "collector/rate_limit.h"

#include <algorithm>

namespace strop::collector {
namespace {

constexpr std::size_t kMostNames = 65536;
constexpr double kMinuteMs = 60'000;

}  // namespace

double RateLimit::left(const Use& use, double now_ms) const {
  return std::min<double>(per_minute_, use.left + (now_ms - use.at_ms) * per_minute_ / kMinuteMs);
}

bool RateLimit::use(const std::string& name, double now_ms) {
  if (per_minute_ == 0) return true;
  if (uses_.size() >= kMostNames) make_room(now_ms);
  Use& use = uses_.try_emplace(name, Use{static_cast<double>(per_minute_), now_ms}).first->second;
  use.left = left(use, now_ms);
  use.at_ms = now_ms;
  if (use.left < 1) return false;
  use.left -= 1;
  return true;
}

bool RateLimit::is_spent(const std::string& name, double now_ms) const {
  const auto found = uses_.find(name);
  return found != uses_.end() && left(found->second, now_ms) < 1;
}

void RateLimit::make_room(double now_ms) {
  std::erase_if(uses_, [&](const auto& use) { return left(use.second, now_ms) >= per_minute_; });
  if (uses_.size() >= kMostNames) uses_.clear();
}

}  // namespace strop::collector
