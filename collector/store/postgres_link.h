// A connection to the database that may be lost and is made again, errors as StoreError.
//
// Owns the connection. Thread: one at a time. What a database that is gone makes of a call is
// kUnusable; the connection is then dropped and the next call tries anew, but not at once again
// after a try that took long: whoever calls has others waiting. Times in the code are milliseconds.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <pqxx/pqxx>
#include <string>

#include "collector/store/store.h"

namespace strop::collector {

class PostgresLink {
 public:
  // `greet` makes a fresh connection ready; it runs before anything else on each.
  PostgresLink(std::string url, std::function<void(pqxx::connection&)> greet);

  // Runs `work` on a connection. Whatever it throws, of libpqxx, becomes a StoreError, and the
  // connection is dropped.
  template <class Work>
  auto with(Work work) {
    try {
      return work(connection());
    } catch (const pqxx::pqxx_exception& error) {
      fail(error.base());
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  pqxx::connection& connection();
  [[noreturn]] void fail(const std::exception& error);

  const std::string url_;
  const std::function<void(pqxx::connection&)> greet_;
  std::unique_ptr<pqxx::connection> connection_;
  Clock::time_point try_again_{};
  std::string last_error_;
};

}  // namespace strop::collector
