// How often something may happen in a minute, for each of many names.
//
// One thread. Times are milliseconds of any steady clock. A name may use its minute at once, and
// then has it back bit by bit. What is held is bounded: of too many names those are forgotten that
// have not used anything lately, and then all.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace strop::collector {

class RateLimit {
 public:
  // 0: no limit.
  explicit RateLimit(std::uint32_t per_minute) : per_minute_(per_minute) {}

  // Uses one of the name's. False: it has none left.
  bool use(const std::string& name, double now_ms);
  // Whether it has none left.
  bool is_spent(const std::string& name, double now_ms) const;
  std::size_t names() const { return uses_.size(); }  // that are held

 private:
  struct Use {
    double left = 0;
    double at_ms = 0;
  };
  double left(const Use& use, double now_ms) const;
  void make_room(double now_ms);

  const std::uint32_t per_minute_;
  std::unordered_map<std::string, Use> uses_;
};

// Lets something through once a second: a log must not fill a disk at a stranger's wish.
class OnceASecond {
 public:
  bool now(double now_ms) {
    if (now_ms - last_ms_ < 1000) return false;
    last_ms_ = now_ms;
    return true;
  }

 private:
  double last_ms_ = -1e9;
};

}  // namespace strop::collector
