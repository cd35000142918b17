#include "support/postgres_server.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <pqxx/pqxx>
#include <stdexcept>
#include <vector>

namespace strop::support {
namespace {

namespace fs = std::filesystem;

const passwd& unprivileged() {
  for (const char* name : {"postgres", "nobody"})
    if (const passwd* user = ::getpwnam(name)) return *user;
  throw std::runtime_error("root needs a user `postgres` or `nobody` to run PostgreSQL");
}

void become_unprivileged() {
  if (::geteuid() != 0) return;
  const passwd& user = unprivileged();
  if (::setgroups(0, nullptr) != 0 || ::setgid(user.pw_gid) != 0 || ::setuid(user.pw_uid) != 0)
    ::_exit(126);
}

// Empty if there are none.
fs::path find_programs() {
  fs::path found;
  const fs::path root = "/usr/lib/postgresql";
  if (fs::exists(root))
    for (const auto& version : fs::directory_iterator(root))
      if (fs::exists(version.path() / "bin/initdb")) found = version.path() / "bin";
  return found;
}

fs::path programs() {
  const fs::path found = find_programs();
  if (found.empty())
    throw std::runtime_error("these tests need PostgreSQL: apt-get install postgresql");
  return found;
}

// To its end; the output is in `log`.
void run(std::vector<std::string> arguments, const fs::path& folder) {
  arguments[0] = programs() / arguments[0];
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const std::string log = folder / "commands.log";
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    become_unprivileged();
    if (::chdir(folder.c_str()) != 0 || std::freopen(log.c_str(), "a", stdout) == nullptr ||
        std::freopen(log.c_str(), "a", stderr) == nullptr)
      ::_exit(126);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) != child) {
  }
  if (status != 0) {
    std::ifstream in(log);
    throw std::runtime_error(arguments[0] + ": " + std::string(std::istreambuf_iterator(in), {}));
  }
}

// Ends the server when this program is killed: a pipe's end that only this program holds is read by
// a watcher, whose read ends with it.
void watch(const fs::path& folder) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  const pid_t child = ::fork();
  if (child != 0) {
    ::close(pipe[0]);
    if (child < 0) throw std::runtime_error("fork");
    return;
  }
  ::setsid();
  ::close(pipe[1]);
  for (int fd = 0; fd < 3; ++fd) ::close(fd);
  char byte = 0;
  while (::read(pipe[0], &byte, 1) < 0) {
  }
  try {
    run({"pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop"}, folder);
  } catch (const std::exception&) {
    // it has ended already
  }
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  ::_exit(0);
}

}  // namespace

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

bool PostgresServer::installed() { return !find_programs().empty(); }

PostgresServer::PostgresServer() {
  std::string name = (fs::temp_directory_path() / "strop-pg-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = name;
  if (::geteuid() == 0 && ::chown(name.c_str(), unprivileged().pw_uid, unprivileged().pw_gid) != 0)
    throw std::runtime_error("chown " + name);
  run({"initdb", "-D", folder_ / "data", "-U", "strop", "-A", "trust", "-E", "UTF8", "--locale=C",
       "--no-sync"},
      folder_);
  start();
  watch(folder_);
}

PostgresServer::~PostgresServer() = default;  // the watcher sees us end

void PostgresServer::start() {
  run({"pg_ctl", "-D", folder_ / "data", "-l", folder_ / "server.log", "-w", "-t", "60", "-o",
       "-c listen_addresses='' -c unix_socket_directories='" + folder_.string() +
           "' -c max_connections=40",
       "start"},
      folder_);
}

void PostgresServer::stop() {
  run({"pg_ctl", "-D", folder_ / "data", "-m", "immediate", "-w", "stop"}, folder_);
}

pid_t PostgresServer::process() const {
  pid_t first = -1;
  std::ifstream(folder_ / "data" / "postmaster.pid") >> first;
  if (first <= 0) throw std::runtime_error("PostgreSQL's first process is not to be found");
  return first;
}

std::string PostgresServer::url_of(const std::string& database) const {
  return "postgresql:///" + database + "?user=strop&host=" + folder_.string();
}

std::string PostgresServer::make_database() {
  const std::string name = "d" + std::to_string(::getpid()) + "_" + std::to_string(++databases_);
  ask(url_of("postgres"), "CREATE DATABASE " + name);
  return url_of(name);
}

std::string PostgresServer::ask(const std::string& url, const std::string& sql) {
  pqxx::connection connection(url);
  const pqxx::result rows = pqxx::nontransaction(connection).exec(sql);
  return rows.empty() || rows[0][0].is_null() ? "" : rows[0][0].as<std::string>();
}

}  // namespace strop::support
