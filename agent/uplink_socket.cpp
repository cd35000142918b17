#include "agent/uplink_socket.h"

#include <atomic>
#include <cstring>

#include "schema/wire.h"

namespace strop::agent {
namespace {

constexpr int kHandshakeMs = 5'000;
constexpr int kGoodbyeMs = 20;
constexpr std::uint32_t kZapRefused = 400;

std::string monitor_name() {
  static std::atomic<unsigned> count{0};
  return "inproc://uplink-monitor-" + std::to_string(++count);
}

}  // namespace

UplinkSocket::UplinkSocket(zmq::context_t& context, const UplinkAddress& address)
    : endpoint_(address.endpoint),
      encrypted_(address.key.has_value()),
      socket_(context, zmq::socket_type::dealer),
      monitor_(context, zmq::socket_type::pair) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::reconnect_ivl, -1);
  socket_.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<int64_t>(schema::kMaxMessageBytes));
  socket_.set(zmq::sockopt::ipv6, endpoint_.find('[') != std::string::npos);
  if (address.key) {
    socket_.set(zmq::sockopt::curve_serverkey, address.server_key);
    socket_.set(zmq::sockopt::curve_publickey, address.key->public_key);
    socket_.set(zmq::sockopt::curve_secretkey, address.key->secret_key);
  }
  const std::string name = monitor_name();
  if (zmq_socket_monitor(socket_.handle(), name.c_str(), ZMQ_EVENT_ALL) != 0) throw zmq::error_t();
  monitor_.set(zmq::sockopt::linger, 0);
  monitor_.set(zmq::sockopt::rcvhwm, 0);
  monitor_.connect(name);
  socket_.connect(endpoint_);
}

// The monitor is told to end while it still has a reader: libzmq's thread would wait for one for
// ever, and carry no more connections.
UplinkSocket::~UplinkSocket() { zmq_socket_monitor(socket_.handle(), nullptr, 0); }

void UplinkSocket::watch() {
  while (true) {
    zmq::message_t event;
    zmq::message_t address;
    if (!monitor_.recv(event, zmq::recv_flags::dontwait)) return;
    if (!event.more() || !monitor_.recv(address, zmq::recv_flags::dontwait)) return;
    if (event.size() < 6) continue;
    std::uint16_t kind = 0;
    std::uint32_t value = 0;
    std::memcpy(&kind, event.data<char>(), sizeof kind);
    std::memcpy(&value, event.data<char>() + sizeof kind, sizeof value);
    take_event(kind, value);
  }
}

void UplinkSocket::take_event(std::uint16_t event, std::uint32_t value) {
  const auto failed = [this](const std::string& why) {
    open_ = false;
    if (fault_.empty()) fault_ = why;
  };
  switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      open_ = true;
      break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      refused_ = value == kZapRefused;
      failed(value == kZapRefused ? "the collector at " + endpoint_ +
                                        " does not know this key; have it allowed: sudo -u strop "
                                        "strop-collector keys allow NAME "
                                        "PUBLIC_KEY"
                                  : "the collector at " + endpoint_ +
                                        " cannot check keys now, or is asked too often");
      break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      failed(encrypted_ ? endpoint_ +
                              " does not answer as the collector of this public key; check "
                              "collector.server_key_file and the address"
                        : endpoint_ + " demands encryption or is no collector; check [collector]");
      break;
    case ZMQ_EVENT_CLOSED:
      failed("nothing listens at " + endpoint_ + "; check collector.endpoint, or wait for it");
      break;
    case ZMQ_EVENT_DISCONNECTED:
      failed(open_ ? "the connection to " + endpoint_ + " ended"
             : encrypted_
                 ? endpoint_ +
                       " hangs up: it is no collector of this public key, or does not know "
                       "this one's; check collector.server_key_file and key_file"
                 : endpoint_ +
                       " hangs up: it demands encryption or is no collector; check "
                       "[collector]");
      break;
    default:
      break;
  }
}

bool UplinkSocket::send(const std::string& frame) {
  return socket_.send(zmq::buffer(frame), zmq::send_flags::dontwait).has_value();
}

std::optional<std::string> UplinkSocket::receive() {
  zmq::message_t message;
  if (!socket_.recv(message, zmq::recv_flags::dontwait)) return std::nullopt;
  std::string frame = message.to_string();
  while (message.more() && socket_.recv(message, zmq::recv_flags::dontwait))
    frame.clear();  // one frame is one part: nothing else is ours
  return frame;
}

void UplinkSocket::part(const std::string& bye) {
  if (!open_) return;
  socket_.set(zmq::sockopt::linger, kGoodbyeMs);
  send(bye);
}

}  // namespace strop::agent
