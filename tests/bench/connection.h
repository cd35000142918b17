// An editor's end of a connection to the bench's server: direct, or through a relay.
//
// Owns the process it starts and its pipes. One thread writes and reads; send() of a frame below
// PIPE_BUF may come from a second one. Errors are exceptions: without the programs there is nothing
// to measure.
#pragma once

#include <poll.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/lean_reader.h"
#include "support/process.h"

namespace strop::bench {

using Clock = std::chrono::steady_clock;

inline double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

class Connection {
 public:
  explicit Connection(const std::vector<std::string>& command)
      : process_(command, {to_.read.get(), from_.write.get(), -1}), reader_(from_.read.get()) {
    to_.read.close();
    from_.write.close();
  }

  pid_t process() const { return process_.id(); }

  void send(std::string_view frame) {
    if (!write_all(to_.write.get(), frame)) throw std::runtime_error("a relay has ended too early");
  }

  // Up to the answer with this id; what else comes is passed over.
  void await(long id) {
    std::string_view body;
    const std::string mark = "\"id\":" + std::to_string(id) + ",";
    do {
      if (!reader_.next(body)) throw std::runtime_error("a server or relay has ended too early");
    } while (body.substr(0, 64).find(mark) == std::string_view::npos);
  }

  // A request from its parameters to its answer.
  void ask(std::string_view method, std::string_view params) {
    const long id = ++last_id_;
    send(framed(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" +
                std::string(method) + R"(","params":)" + std::string(params) + "}"));
    await(id);
  }

  void tell(std::string_view method, std::string_view params) {
    send(framed(R"({"jsonrpc":"2.0","method":")" + std::string(method) + R"(","params":)" +
                std::string(params) + "}"));
  }

  void initialize() {
    ask("initialize", R"({"processId":null,"capabilities":{}})");
    tell("initialized", "{}");
  }

  // The first byte of anything.
  void await_first_byte() const {
    pollfd end{from_.read.get(), POLLIN, 0};
    if (::poll(&end, 1, 30'000) != 1) throw std::runtime_error("a server or relay says nothing");
  }

  // As an editor takes its leave. Not every public relay ends then: those end with the connection.
  void finish() {
    ask("shutdown", "null");
    tell("exit", "null");
    to_.write.close();
    process_.wait();
  }

 private:
  support::Pipe to_;
  support::Pipe from_;
  support::Process process_;
  LeanReader reader_;
  long last_id_ = 0;
};

// One thing that may lie between.
struct Line {
  std::string name;
  std::vector<std::string> before;  // what stands before the server's command
  bool agent = false;
  bool beside = false;  // a public relay, to compare
  bool slow = false;    // so slow that it is told from a few

  std::vector<std::string> command(const std::vector<std::string>& server) const {
    std::vector<std::string> whole = before;
    whole.insert(whole.end(), server.begin(), server.end());
    return whole;
  }
};

}  // namespace strop::bench
