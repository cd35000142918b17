// What collectors take of a load, as rows: the rate beside what the store does by itself, where the
// processor's time went, and how long acknowledgements take at half of that rate.
//
// A function; one thread. Errors are exceptions.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bench/collector_setup.h"

namespace strop::bench {

struct Delivery {
  std::string bench;
  std::string who;  // in front of each row's name; empty where there is one kind alone
  std::vector<const CollectorProcess*> collectors;
  // Processor time so far, in seconds, by whose it is.
  std::function<std::map<std::string, double>()> cpu_seconds;
};

struct Yardstick {
  std::string name;
  double per_second = 0;
  double goal_share = 0;   // of it that is to be reached
  double sync_p99_us = 0;  // of a write and fdatasync by itself
};

void measure_delivered(const CollectorSetup& setup, const Delivery& delivery,
                       const std::vector<std::string>& events, const Yardstick& yardstick,
                       Report& report);

// By thread, of all together.
std::map<std::string, double> cpu_seconds_of(
    const std::vector<const CollectorProcess*>& collectors);

}  // namespace strop::bench
