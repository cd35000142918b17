#include "trainer/serve/server.h"

#include <poll.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <charconv>
#include <chrono>
#include <exception>
#include <list>
#include <optional>
#include <stdexcept>
#include <thread>

#include "trainer/serve/connection.h"
#include "trainer/serve/service.h"
#include "trainer/threads.h"

namespace strop::trainer {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr std::chrono::milliseconds kPatience{30'000};

struct Address {
  std::string host;
  std::string port;
};

Address address_of(const std::string& bind) {
  const std::size_t colon = bind.rfind(':');
  const std::string port = colon == std::string::npos ? "" : bind.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (colon == 0 || port.empty() || error != std::errc() || end != port.data() + port.size())
    throw std::invalid_argument(
        "'" + bind + "' is no address: HOST:PORT, such as 127.0.0.1:8012; a port is 0 to 65535");
  Address out{bind.substr(0, colon), port};
  if (out.host.starts_with('[') && out.host.ends_with(']'))
    out.host = out.host.substr(1, out.host.size() - 2);
  return out;
}

}  // namespace

class Server::Impl {
 public:
  Impl(LoadedModel& model, ServeOptions options)
      : options_(std::move(options)),
        service_(model,
                 {.token = options_.token,
                  .context = options_.context,
                  .cache_bytes = static_cast<std::size_t>(options_.cache_mib) << 20,
                  .batch_bytes = static_cast<std::size_t>(options_.batch_mib) << 20,
                  .max_waiting = options_.max_waiting},
                 stopping_) {}
  ~Impl() { stop(); }

  void start() {
    const Address address = address_of(options_.bind);
    ErrorCode error;
    const auto found = Tcp::resolver(io_).resolve(address.host, address.port, error);
    if (error || found.empty())
      throw std::invalid_argument("'" + options_.bind + "' cannot be resolved: " + error.message());
    const Tcp::endpoint endpoint = found.begin()->endpoint();
    const bool loopback = endpoint.address().is_loopback();
    if (!loopback && options_.token.empty() && !options_.behind_proxy)
      throw std::invalid_argument(
          "'" + options_.bind +
          "' can be reached from other machines: give --token-file, or --behind-proxy if a proxy "
          "with TLS sees to who may ask");
    service_.set_local(loopback && !options_.behind_proxy);
    try {
      acceptor_.emplace(io_, endpoint);
    } catch (const boost::system::system_error& failed) {
      throw std::runtime_error("cannot listen on " + options_.bind + ": " +
                               failed.code().message() + "; choose another port with --bind");
    }
    acceptor_->non_blocking(true);
    accepting_ = std::thread([this] { accept(); });
  }

  void stop() {
    stopping_ = true;
    if (accepting_.joinable()) accepting_.join();
    for (Session& session : sessions_) session.thread.join();
    sessions_.clear();
  }

  std::uint16_t port() const { return acceptor_->local_endpoint().port(); }

  tl::expected<std::string, std::string> use_adapter(const std::string& folder) {
    return service_.use_adapter(folder);
  }

 private:
  struct Session {
    std::thread thread;
    std::atomic<bool> ended{false};
  };

  void accept() {
    while (!stopping_) {
      if (!wait_ready(acceptor_->native_handle(), POLLIN, kPatience, stopping_)) continue;
      ErrorCode error;
      Tcp::socket socket = acceptor_->accept(error);
      std::erase_if(sessions_, [](Session& session) {
        if (session.ended) session.thread.join();
        return session.ended.load();
      });
      if (error) continue;
      if (sessions_.size() >= kMaxSessions) {
        Connection one_too_many(std::move(socket), stopping_);
        service_.refuse({503, "too many connections; try again", "", ""}, one_too_many);
        continue;
      }
      sessions_.emplace_back();
      Session& session = sessions_.back();
      session.thread = std::thread([this, &session, own = std::move(socket)]() mutable {
        try {
          serve(std::move(own));
        } catch (const std::exception&) {
          // The connection is lost; there is nobody to tell.
        }
        session.ended = true;
      });
    }
    acceptor_->close();
  }

  void serve(Tcp::socket socket) {
    Connection client(std::move(socket), stopping_);
    while (!stopping_) {
      const auto request = client.read();
      if (!request) service_.refuse(request.error(), client);
      if (!request || !*request || !service_.answer(**request, client)) break;
    }
    client.close();
  }

  ServeOptions options_;
  std::atomic<bool> stopping_{false};
  Service service_;
  asio::io_context io_;
  std::optional<Tcp::acceptor> acceptor_;
  std::list<Session> sessions_;  // of the accepting thread, until it has ended
  std::thread accepting_;
};

Server::Server(LoadedModel& model, ServeOptions options)
    : impl_(std::make_unique<Impl>(model, std::move(options))) {}
Server::~Server() = default;
void Server::start() { impl_->start(); }
void Server::stop() { impl_->stop(); }
std::uint16_t Server::port() const { return impl_->port(); }
tl::expected<std::string, std::string> Server::use_adapter(const std::string& folder) {
  return impl_->use_adapter(folder);
}

}  // namespace strop::trainer
