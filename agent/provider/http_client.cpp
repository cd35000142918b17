#include "agent/provider/http_client.h"

#include <openssl/ssl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>
#include <vector>

namespace strop::agent {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using Request = http::request<http::string_body>;
using Response = http::response_parser<http::string_body>;
using Secure = beast::ssl_stream<beast::tcp_stream>;

constexpr std::size_t kMaxAnswer = 4u << 20;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

struct Exchange {
  beast::error_code error;
  bool answered = false;  // some of the answer has come
};

template <class Stream>
asio::awaitable<Exchange> exchange(Stream& stream, beast::flat_buffer& buffer,
                                   const Request& request, Response& response) {
  const auto [write_error, written] = co_await http::async_write(stream, request, kTuple);
  if (write_error) co_return Exchange{write_error, false};
  const auto [read_error, got] = co_await http::async_read(stream, buffer, response, kTuple);
  co_return Exchange{read_error, got > 0};
}

}  // namespace

class HttpClient::Impl {
 public:
  Impl(asio::io_context& io, Endpoint endpoint, std::string key)
      : io_(io), endpoint_(std::move(endpoint)), key_(std::move(key)), resolver_(io) {
    if (!endpoint_.tls) return;
    tls_.set_default_verify_paths();
    tls_.set_verify_mode(ssl::verify_peer);
  }

  asio::awaitable<tl::expected<std::string, std::string>> post(std::string body,
                                                               std::chrono::milliseconds timeout) {
    aborted_ = false;
    const auto deadline = Clock::now() + timeout;
    const Request request = make_request(std::move(body));
    for (int attempt = 0;; ++attempt) {
      const bool reused = is_open();
      if (!reused) {
        if (auto error = co_await connect(deadline))
          co_return tl::unexpected(told(*error, timeout));
      }
      stream().expires_at(deadline);
      Response response;
      response.body_limit(kMaxAnswer);
      const Exchange done = secure_ ? co_await exchange(*secure_, buffer_, request, response)
                                    : co_await exchange(*plain_, buffer_, request, response);
      if (!done.error) co_return finish(response);
      close();
      const bool stale = reused && !done.answered && attempt == 0 && !aborted_ &&
                         done.error != beast::error::timeout;
      if (!stale) co_return tl::unexpected(told(done.error.message(), timeout));
    }
  }

  void abort() {
    aborted_ = true;
    resolver_.cancel();
    close();
  }

 private:
  beast::tcp_stream& stream() { return secure_ ? beast::get_lowest_layer(*secure_) : *plain_; }
  bool is_open() const { return open_; }

  // Closes at once; the objects stay until no operation uses them (connect replaces them).
  void close() {
    if (plain_ || secure_) stream().close();
    open_ = false;
  }

  Request make_request(std::string body) const {
    Request request{http::verb::post, endpoint_.target, 11};
    const bool v6 = endpoint_.host.find(':') != std::string::npos;
    request.set(http::field::host,
                (v6 ? "[" + endpoint_.host + "]" : endpoint_.host) + ":" + endpoint_.port);
    request.set(http::field::user_agent, "strop-agent");
    request.set(http::field::content_type, "application/json");
    request.set(http::field::accept, "application/json");
    if (!key_.empty()) request.set(http::field::authorization, "Bearer " + key_);
    request.keep_alive(true);
    request.body() = std::move(body);
    request.prepare_payload();
    return request;
  }

  tl::expected<std::string, std::string> finish(Response& response) {
    if (!response.get().keep_alive()) close();
    if (response.get().result() != http::status::ok) {
      const std::string said = refusal_text(response.get().body());
      return tl::unexpected("HTTP status " + std::to_string(response.get().result_int()) +
                            (said.empty() ? "" : ", " + said));
    }
    return std::move(response.get().body());
  }

  std::string told(const std::string& error, std::chrono::milliseconds timeout) const {
    if (aborted_) return "cancelled";
    if (error == beast::error_code(beast::error::timeout).message())
      return "no answer within " + std::to_string(timeout.count()) + " ms";
    return error;
  }

  // Nothing: connected.
  asio::awaitable<std::optional<std::string>> connect(Clock::time_point deadline) {
    plain_.reset();
    secure_.reset();
    buffer_.clear();
    if (endpoint_.tls)
      secure_.emplace(io_, tls_);
    else
      plain_.emplace(io_);
    std::vector<tcp::endpoint> addresses;
    if (const auto error = co_await find_addresses(deadline, addresses); error)
      co_return error.message();
    stream().expires_at(deadline);
    const auto [connect_error, chosen] = co_await stream().async_connect(addresses, kTuple);
    if (connect_error) co_return connect_error.message();
    stream().socket().set_option(tcp::no_delay(true));
    if (secure_) {
      if (const std::string error = co_await secure(); !error.empty()) co_return error;
    }
    open_ = true;
    co_return std::nullopt;
  }

  asio::awaitable<std::string> secure() {
    ::SSL_set_tlsext_host_name(secure_->native_handle(), endpoint_.host.c_str());
    secure_->set_verify_callback(ssl::host_name_verification(endpoint_.host));
    const auto [error] = co_await secure_->async_handshake(ssl::stream_base::client, kTuple);
    co_return error ? "TLS: " + error.message() : "";
  }

  // Loopback needs no name service, and must not be led elsewhere by one.
  asio::awaitable<beast::error_code> find_addresses(Clock::time_point deadline,
                                                    std::vector<tcp::endpoint>& addresses) {
    const auto port = static_cast<std::uint16_t>(std::stoul(endpoint_.port));
    beast::error_code error;
    const asio::ip::address address = asio::ip::make_address(endpoint_.host, error);
    if (!error) {
      addresses.emplace_back(address, port);
      co_return error;
    }
    if (endpoint_.host == "localhost") {
      addresses.emplace_back(asio::ip::address_v4::loopback(), port);
      addresses.emplace_back(asio::ip::address_v6::loopback(), port);
      co_return beast::error_code();
    }
    asio::steady_timer timer(io_, deadline);
    timer.async_wait([this](beast::error_code cancelled) {
      if (!cancelled) resolver_.cancel();
    });
    const auto [resolve_error, results] =
        co_await resolver_.async_resolve(endpoint_.host, endpoint_.port, kTuple);
    for (const auto& result : results) addresses.push_back(result.endpoint());
    co_return resolve_error;
  }

  asio::io_context& io_;
  const Endpoint endpoint_;
  const std::string key_;
  ssl::context tls_{ssl::context::tls_client};
  tcp::resolver resolver_;
  std::optional<beast::tcp_stream> plain_;
  std::optional<Secure> secure_;
  beast::flat_buffer buffer_;
  bool open_ = false;
  bool aborted_ = false;
};

HttpClient::HttpClient(asio::io_context& io, Endpoint endpoint, std::string key)
    : impl_(std::make_unique<Impl>(io, std::move(endpoint), std::move(key))) {}

HttpClient::~HttpClient() = default;

asio::awaitable<tl::expected<std::string, std::string>> HttpClient::post(
    std::string body, std::chrono::milliseconds timeout) {
  return impl_->post(std::move(body), timeout);
}

void HttpClient::abort() { impl_->abort(); }

}  // namespace strop::agent
