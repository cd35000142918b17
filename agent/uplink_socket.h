// One connection to the collector, and what became of it.
//
// Owns a DEALER socket and the monitor that tells why a connection failed. One thread. It never
// connects anew by itself: that is another UplinkSocket. Errors: an address libzmq cannot use is an
// exception of the constructor; later ones are what fault() says.
#pragma once

#include <optional>
#include <string>
#include <zmq.hpp>

#include "schema/curve_key.h"

namespace strop::agent {

struct UplinkAddress {
  std::string endpoint;
  std::optional<schema::CurveKey> key;
  std::string server_key;
};

class UplinkSocket {
 public:
  UplinkSocket(zmq::context_t& context, const UplinkAddress& address);
  ~UplinkSocket();
  UplinkSocket(const UplinkSocket&) = delete;
  UplinkSocket& operator=(const UplinkSocket&) = delete;

  // Both to be polled for reading.
  void* socket() { return socket_.handle(); }
  void* monitor() { return monitor_.handle(); }

  // Takes what the monitor has.
  void watch();

  // The handshake is done: frames may go.
  bool is_open() const { return open_; }
  // Why it is of no more use, for a person; empty: nothing is known to be wrong.
  const std::string& fault() const { return fault_; }
  // It is the collector, and it does not take our key.
  bool is_refused() const { return refused_; }

  // False: it does not take more now.
  bool send(const std::string& frame);
  std::optional<std::string> receive();

  // Says goodbye, if there is somebody to say it to. The socket is of no use afterwards.
  void part(const std::string& bye);

 private:
  void take_event(std::uint16_t event, std::uint32_t value);

  std::string endpoint_;
  bool encrypted_ = false;
  zmq::socket_t socket_;
  zmq::socket_t monitor_;
  bool open_ = false;
  bool refused_ = false;
  std::string fault_;
};

}  // namespace strop::agent
