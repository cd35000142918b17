// A PostgreSQL server for one test or benchmark program, on a Unix socket in a temporary folder.
//
// Started at the first call, ended with the program, however it ends. As PostgreSQL refuses to run
// for root, root starts it as `postgres`, or `nobody`. Any thread. Errors: thrown; a test without
// its database has failed, not passed.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace strop::support {

class PostgresServer {
 public:
  static PostgresServer& shared();
  static bool installed();

  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // The URL of a new, empty database.
  std::string make_database();

  // As of the database server, not of this program: at once, and with crash recovery after.
  void stop();
  void start();

  // Of the server's first process, whose children do its work.
  pid_t process() const;

  // Runs SQL on a database; the first field of the answer.
  static std::string ask(const std::string& url, const std::string& sql);

 private:
  std::string url_of(const std::string& database) const;

  std::filesystem::path folder_;
  int databases_ = 0;
};

}  // namespace strop::support
