// A wall clock for the processes of one end that can be set forward and back while they run, by
// libfaketime. Their steady clock goes on as ever.
//
// Owns the file that they read it from. One thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace strop::faults {

class JumpingClock {
 public:
  // Why there can be none; empty: there can.
  static std::string missing();

  explicit JumpingClock(std::filesystem::path file);

  // What whoever is to have this clock needs in its environment: words of env(1).
  std::vector<std::string> environment() const;

  // From the time that they have now.
  void jump(std::chrono::seconds by);
  std::chrono::seconds offset() const { return offset_; }

 private:
  void write() const;

  const std::filesystem::path file_;
  std::chrono::seconds offset_{0};
};

}  // namespace strop::faults
