#include "collector/serve_process.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace strop::collector {
namespace {

class Deadline {
 public:
  explicit Deadline(int patience_ms)
      : until_(std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms)) {}
  bool over() const { return std::chrono::steady_clock::now() >= until_; }
  // Gives the other side a moment.
  void breathe() const { ::poll(nullptr, 0, 5); }

 private:
  std::chrono::steady_clock::time_point until_;
};

}  // namespace

ServeProcess::ServeProcess(std::vector<std::string> arguments, const std::string& port_file) {
  const std::string program = STROP_BIN_DIR "/strop-collector";
  arguments.insert(arguments.begin(), {program, "serve", "--port-file", port_file});
  // Not the machine's own /etc/strop/collector.toml.
  if (std::find(arguments.begin(), arguments.end(), "--config") == arguments.end())
    arguments.insert(arguments.end(), {"--config", "/dev/null"});
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  child_ = ::fork();
  if (child_ < 0) throw std::runtime_error("fork");
  if (child_ == 0) {
    if (std::freopen((port_file + ".log").c_str(), "a", stderr) == nullptr) ::_exit(126);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  const Deadline deadline(kPatienceMs);
  for (int status = 0; !deadline.over(); deadline.breathe()) {
    if (std::ifstream in(port_file); in >> port_) {
      in >> http_port_;
      return;
    }
    if (ended(status)) throw std::runtime_error("serve ended: see " + port_file + ".log");
  }
  ::kill(child_, SIGKILL);
  throw std::runtime_error("serve does not listen");
}

ServeProcess::~ServeProcess() {
  if (child_ < 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

bool ServeProcess::ended(int& status) {
  if (::waitpid(child_, &status, WNOHANG) != child_) return false;
  child_ = -1;
  return true;
}

int ServeProcess::stop() {
  ::kill(child_, SIGTERM);
  const Deadline deadline(kPatienceMs);
  for (int status = 0; !deadline.over(); deadline.breathe())
    if (ended(status)) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  throw std::runtime_error("serve does not end");
}

Peer::Peer(std::uint16_t port, const std::string& server_key, const schema::CurveKey* mine,
           const std::string& routing_id)
    : socket_(context_, zmq::socket_type::dealer), monitor_(context_, zmq::socket_type::pair) {
  socket_.set(zmq::sockopt::linger, 0);
  monitor_.set(zmq::sockopt::linger, 0);
  if (!routing_id.empty()) socket_.set(zmq::sockopt::routing_id, routing_id);
  if (mine != nullptr) {
    socket_.set(zmq::sockopt::curve_serverkey, server_key);
    socket_.set(zmq::sockopt::curve_publickey, mine->public_key);
    socket_.set(zmq::sockopt::curve_secretkey, mine->secret_key);
  }
  if (zmq_socket_monitor(socket_.handle(), "inproc://watch",
                         ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) != 0)
    throw std::runtime_error("cannot watch the handshake");
  monitor_.connect("inproc://watch");
  socket_.connect("tcp://127.0.0.1:" + std::to_string(port));
}

void Peer::say(const schema::Frame& frame) { say_bytes(schema::encode(frame)); }

void Peer::say_bytes(const std::string& bytes) {
  socket_.send(zmq::buffer(bytes), zmq::send_flags::none);
}

std::optional<schema::Frame> Peer::hear(int patience_ms) {
  socket_.set(zmq::sockopt::rcvtimeo, patience_ms);
  zmq::message_t message;
  if (!socket_.recv(message)) return std::nullopt;
  auto frame = schema::decode(message.to_string_view());
  if (!frame) throw std::runtime_error("not a frame: " + frame.error().message);
  return std::move(*frame);
}

bool Peer::let_in() {
  monitor_.set(zmq::sockopt::rcvtimeo, kPatienceMs);
  zmq::message_t event;
  if (!monitor_.recv(event)) throw std::runtime_error("the handshake has no end");
  return *event.data<std::uint16_t>() == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
}

Crowd::Crowd(std::uint16_t port, const std::string& server_key, const schema::CurveKey& mine,
             int size) {
  for (int i = 0; i < size; ++i) {
    zmq::socket_t socket(context_, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::rcvtimeo, kPatienceMs);
    socket.set(zmq::sockopt::curve_serverkey, server_key);
    socket.set(zmq::sockopt::curve_publickey, mine.public_key);
    socket.set(zmq::sockopt::curve_secretkey, mine.secret_key);
    socket.connect("tcp://127.0.0.1:" + std::to_string(port));
    sockets_.push_back(std::move(socket));
  }
}

void Crowd::say(int which, const schema::Frame& frame) {
  sockets_.at(which).send(zmq::buffer(schema::encode(frame)), zmq::send_flags::none);
}

schema::Frame Crowd::hear(int which) {
  zmq::message_t message;
  if (!sockets_.at(which).recv(message)) throw std::runtime_error("no answer");
  return schema::decode(message.to_string_view()).value();
}

std::string ask_web(std::uint16_t port, const std::string& request) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{kPatienceMs / 1000, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t size = 0; (size = ::recv(fd, buffer, sizeof(buffer), 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(size));
  }
  ::close(fd);
  return answer;
}

}  // namespace strop::collector
