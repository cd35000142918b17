// One connection after another in one context, as an uplink has them for as long as it lives.
#include "agent/uplink_socket.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>

namespace strop::agent {
namespace {

using Steady = std::chrono::steady_clock;

bool opens(UplinkSocket& socket) {
  const auto deadline = Steady::now() + std::chrono::seconds(10);
  while (!socket.is_open() && socket.fault().empty() && Steady::now() < deadline) {
    std::vector<zmq::pollitem_t> items{{socket.monitor(), 0, ZMQ_POLLIN, 0}};
    zmq::poll(items, std::chrono::milliseconds(10));
    socket.watch();
  }
  return socket.is_open();
}

// What the other end does at that very moment must not keep libzmq's thread: it serves all to come.
TEST(UplinkSocketTest, ItsEndKeepsNobodyFromTheNextConnection) {
  zmq::context_t ours;
  for (int i = 0; i < 300; ++i) {
    zmq::context_t theirs;
    std::optional<zmq::socket_t> collector(std::in_place, theirs, zmq::socket_type::router);
    collector->set(zmq::sockopt::linger, 0);
    collector->bind("tcp://127.0.0.1:*");
    auto socket = std::make_unique<UplinkSocket>(
        ours, UplinkAddress{collector->get(zmq::sockopt::last_endpoint), std::nullopt, ""});
    ASSERT_TRUE(opens(*socket)) << "connection " << i << ": " << socket->fault();
    collector.reset();
    if (i % 2 == 0) socket->send("something");
    socket.reset();
  }
}

}  // namespace
}  // namespace strop::agent
