// A `strop-collector serve` of one's own, and an agent's end of the wire to talk to it.
//
// ServeProcess owns the process and ends it; Peer owns its socket. One thread. Everything waits
// with a deadline; what does not come in time is an exception, or nullopt where a test may expect
// silence.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "schema/curve_key.h"
#include "schema/wire.h"

namespace strop::collector {

inline constexpr int kPatienceMs = 20000;

class ServeProcess {
 public:
  // Starts it with these arguments and a --port-file, and waits until it listens.
  ServeProcess(std::vector<std::string> arguments, const std::string& port_file);
  ~ServeProcess();
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;

  std::uint16_t port() const { return port_; }
  std::uint16_t http_port() const { return http_port_; }
  // SIGTERM; the exit code.
  int stop();

 private:
  bool ended(int& status);

  pid_t child_ = -1;
  std::uint16_t port_ = 0;
  std::uint16_t http_port_ = 0;
};

// An agent, as far as the wire goes.
class Peer {
 public:
  // Without keys if `mine` is nullptr. A routing id is for attacks: agents set none.
  Peer(std::uint16_t port, const std::string& server_key, const schema::CurveKey* mine,
       const std::string& routing_id = "");

  void say(const schema::Frame& frame);
  void say_bytes(const std::string& bytes);
  // Nullopt after `patience_ms`.
  std::optional<schema::Frame> hear(int patience_ms = kPatienceMs);
  // Waits for the handshake's end: whether the door opened.
  bool let_in();

  template <class T>
  T ask(const schema::Frame& frame) {
    say(frame);
    auto answer = hear();
    if (!answer) throw std::runtime_error("no answer");
    return std::get<T>(std::move(*answer));
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
  zmq::socket_t monitor_;
};

// Many connections of one key, for attacks. Owns them all.
class Crowd {
 public:
  Crowd(std::uint16_t port, const std::string& server_key, const schema::CurveKey& mine, int size);
  void say(int which, const schema::Frame& frame);
  schema::Frame hear(int which);  // throws where nothing comes

 private:
  zmq::context_t context_;
  std::vector<zmq::socket_t> sockets_;
};

// What the collector's web answers to these bytes, in whole.
std::string ask_web(std::uint16_t port, const std::string& request);

}  // namespace strop::collector
