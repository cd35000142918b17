// What a run says while it goes on: a bar with the time left on a terminal, a plain line now and
// then otherwise, JSON lines in a file.
//
// Owns the metrics file; one thread. Writes to stderr. Time is the steady clock's unless one is
// given. Errors: a metrics file that cannot be written throws std::runtime_error.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace strop::trainer {

// Seconds, from any beginning.
using SecondsClock = std::function<double()>;
double steady_seconds();

// Of the Unix epoch.
double unix_seconds();

// "1:02:03", "4:05".
std::string clock_text(double seconds);

class Progress {
 public:
  // `total` steps, of which `done` were made by an earlier part of the run. An empty metrics path
  // writes no file.
  Progress(std::string label, std::int64_t total, std::int64_t done,
           const std::string& metrics_path, SecondsClock clock = steady_seconds);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // After each step, with what is worth showing beside the bar, such as "loss 2.31".
  void step(std::int64_t done, const std::string& note);
  void metric(const nlohmann::json& line);
  void say(const std::string& line);

  double seconds() const { return clock_() - began_; }

 private:
  std::string label_;
  std::int64_t total_;
  std::int64_t first_;
  std::ofstream metrics_;
  SecondsClock clock_;
  double began_;
  double last_shown_ = -1e9;
  bool terminal_;
  bool bar_open_ = false;
};

}  // namespace strop::trainer
