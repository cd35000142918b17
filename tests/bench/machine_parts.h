// What the machine's parts do by themselves: a store in SQLite, a file that is synced, CURVE. The
// measure of what is built of them.
//
// Functions; one thread. Times are microseconds. Errors are exceptions.
#pragma once

#include <string>
#include <vector>

namespace strop::bench {

struct Rate {
  double per_second = 0;
  double cpu_us = 0;  // of one event
};

// Rows of one blob, nothing else, committed in groups of 256 to a log that is synced: the least
// that any store in SQLite has to do. `file` is made.
Rate sqlite_alone(const std::string& file, const std::vector<std::string>& events, double seconds);

// Appends of one event to a file, each synced; how long each took.
std::vector<double> sync_alone_us(const std::string& file, const std::vector<std::string>& events,
                                  int count);

// Messages of so many bytes from one CURVE socket of this process to another.
double curve_alone_per_second(std::size_t bytes, double seconds);

}  // namespace strop::bench
