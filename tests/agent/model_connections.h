// The connections of a model server, and its thread: what model_server.cpp alone includes, as Beast
// takes half a minute to compile.
//
// Threads and errors as in model_server.h.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

#include "model_server.h"

namespace strop::agent::test {

class ModelServer::Connections {
 public:
  explicit Connections(Respond respond)
      : respond_(std::move(respond)),
        acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}),
        port_(acceptor_.local_endpoint().port()) {
    boost::asio::co_spawn(io_, accept(), boost::asio::detached);
    thread_ = std::thread([this] { io_.run(); });
  }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  ~Connections() {
    io_.stop();
    thread_.join();
  }

  std::uint16_t port() const { return port_; }
  std::vector<ServerRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
  }
  bool await_requests(std::size_t count) const {
    return await([&] { return requests_.size() >= count; });
  }
  bool await_ended(std::size_t count) const {
    return await([&] { return ended_ >= count; });
  }

 private:
  using Socket = boost::asio::ip::tcp::socket;
  static constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

  bool await(const std::function<bool()>& come) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, come);
  }
  void note(const std::function<void()>& change) {
    {
      const std::lock_guard lock(mutex_);
      change();
    }
    changed_.notify_all();
  }

  boost::asio::awaitable<void> accept() {
    while (true) {
      auto [error, socket] = co_await acceptor_.async_accept(kTuple);
      if (error) co_return;
      note([this] { ++connections_; });
      boost::asio::co_spawn(io_, serve(std::move(socket)), boost::asio::detached);
    }
  }

  boost::asio::awaitable<void> serve(Socket socket) {
    namespace http = boost::beast::http;
    boost::beast::flat_buffer buffer;
    while (true) {
      http::request<http::string_body> got;
      const auto [read_error, size] = co_await http::async_read(socket, buffer, got, kTuple);
      if (read_error) break;
      const ServerRequest request{std::string(got.method_string()), std::string(got.target()),
                                  std::string(got[http::field::host]),
                                  std::string(got[http::field::authorization]),
                                  nlohmann::json::parse(got.body(), nullptr, false)};
      note([&] { requests_.push_back(request); });
      const ServerReply reply = respond_(request);
      if (!reply.silent) {
        http::response<http::string_body> answer{static_cast<http::status>(reply.status), 11};
        answer.keep_alive(reply.then != ServerReply::Then::kSayClose);
        answer.body() = reply.body;
        answer.prepare_payload();
        co_await http::async_write(socket, answer, kTuple);
      }
      if (reply.then != ServerReply::Then::kKeepAlive) break;
    }
    socket.close();
    note([this] { ++ended_; });
  }

  const Respond respond_;
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  const std::uint16_t port_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // Guarded by mutex_.
  std::vector<ServerRequest> requests_;
  std::size_t connections_ = 0;
  std::size_t ended_ = 0;

  std::thread thread_;
};

}  // namespace strop::agent::test
