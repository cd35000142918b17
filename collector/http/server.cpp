#include "collector/http/server.h"

#include <pthread.h>
#include <sodium.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <thread>

#include "collector/log.h"
#include "collector/rate_limit.h"

namespace strop::collector {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;

constexpr std::uint32_t kHeaderLimit = 8192;
constexpr std::uint64_t kBodyLimit = 8192;  // none is used; read so that a POST gets its answer
constexpr std::size_t kMaxSessions = 64;
constexpr auto kPatience = std::chrono::seconds(5);

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

Response make_response(const Request& request, HttpResponse content) {
  Response out{http::int_to_status(content.status), request.version()};
  out.set(http::field::content_type, content.content_type);
  out.set(http::field::cache_control, "no-store");
  out.set("X-Content-Type-Options", "nosniff");
  out.keep_alive(request.keep_alive());
  if (content.status == 401) out.set(http::field::www_authenticate, "Bearer");
  if (content.status == 405) out.set(http::field::allow, "GET, HEAD");
  out.body() = std::move(content.body);
  out.prepare_payload();
  if (request.method() == http::verb::head) out.body().clear();  // the length stays
  return out;
}

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

// Compares in a time that tells nothing of how far the token was right.
bool bears(std::string_view authorization, const std::string& token) {
  const std::string wanted = "Bearer " + token;
  return authorization.size() == wanted.size() &&
         sodium_memcmp(authorization.data(), wanted.data(), wanted.size()) == 0;
}

// What every session shares; used by the server's own thread.
class Clerk {
 public:
  Clerk(HttpDoor door, HttpHandler respond, Metrics& metrics)
      : door_(std::move(door)), respond_(std::move(respond)), metrics_(metrics) {}

  HttpResponse answer(const Request& request) {
    const std::string_view host = view(request[http::field::host]);
    if (!is_own_host(host, door_.hosts))
      return refuse(403, "host", host, "this address is for this machine only\n");
    const std::string_view origin = view(request[http::field::origin]);
    if (!origin.empty() && !is_own_origin(origin, door_.hosts))
      return refuse(403, "origin", origin, "pages of other sites may not ask here\n");
    if (!door_.token.empty() && !bears(view(request[http::field::authorization]), door_.token))
      return refuse(401, "token", "", "Authorization: Bearer TOKEN is asked for\n");
    if (request.method() != http::verb::get && request.method() != http::verb::head)
      return {405, "text/plain; charset=utf-8", "GET or HEAD\n"};
    const auto target = request.target();
    const std::string path(target.substr(0, target.find('?')));
    return respond_(path);
  }

 private:
  HttpResponse refuse(unsigned status, const char* what, std::string_view value, const char* text) {
    ++metrics_.http_refused;
    const double now_ms = std::chrono::duration<double, std::milli>(
                              std::chrono::steady_clock::now().time_since_epoch())
                              .count();
    if (logged_.now(now_ms))
      log_warn("http_refused", {{"by", what},
                                {"value", std::string(value)},
                                {"refused_so_far", std::to_string(metrics_.http_refused)}});
    return {status, "text/plain; charset=utf-8", text};
  }

  const HttpDoor door_;
  const HttpHandler respond_;
  Metrics& metrics_;
  OnceASecond logged_;
};

// One connection; lives as long as an operation on it waits.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, Clerk& clerk, std::size_t& sessions)
      : stream_(std::move(socket)), clerk_(clerk), sessions_(sessions) {
    ++sessions_;
  }
  ~Session() { --sessions_; }

  void read() {
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(kBodyLimit);
    stream_.expires_after(kPatience);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->write();
                     });
  }

 private:
  void write() {
    const Request request = parser_->release();
    response_ = make_response(request, clerk_.answer(request));
    http::async_write(stream_, serializer_.emplace(response_),
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (!error && self->response_.keep_alive()) self->read();
                      });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  Response response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  Clerk& clerk_;
  std::size_t& sessions_;
};

}  // namespace

class HttpServer::Listener {
 public:
  Listener(const std::string& host, std::uint16_t port, HttpDoor door, HttpHandler respond,
           Metrics& metrics)
      : clerk_(std::move(door), std::move(respond), metrics), acceptor_(context_) {
    const Tcp::endpoint endpoint(host == "[::1]"
                                     ? asio::ip::address(asio::ip::address_v6::loopback())
                                     : asio::ip::address(asio::ip::address_v4::loopback()),
                                 port);
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    beast::error_code error;
    acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      throw std::runtime_error("cannot listen on http " + host + ":" + std::to_string(port) + ": " +
                               error.message() + "; give another --http");
    port_ = acceptor_.local_endpoint().port();
    accept();
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "http");
      context_.run();
    });
  }

  ~Listener() {
    context_.stop();
    thread_.join();
  }

  std::uint16_t port() const { return port_; }

 private:
  void accept() {
    acceptor_.async_accept([this](beast::error_code error, Tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error && sessions_ < kMaxSessions)
        std::make_shared<Session>(std::move(socket), clerk_, sessions_)->read();
      accept();
    });
  }

  Clerk clerk_;  // before context_: sessions refer to it until the context is gone
  std::size_t sessions_ = 0;
  asio::io_context context_{1};
  Tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

HttpServer::HttpServer(const std::string& host, std::uint16_t port, HttpDoor door,
                       HttpHandler respond, Metrics& metrics)
    : listener_(
          std::make_unique<Listener>(host, port, std::move(door), std::move(respond), metrics)) {}
HttpServer::~HttpServer() = default;
std::uint16_t HttpServer::port() const { return listener_->port(); }

bool is_own_host(std::string_view host, const std::vector<std::string>& hosts) {
  const auto names = [&host](std::string_view name) {
    if (!beast::iequals({host.data(), std::min(host.size(), name.size())},
                        {name.data(), name.size()}))
      return false;
    const std::string_view rest = host.substr(name.size());
    return rest.empty() || (rest.front() == ':' && rest.size() > 1 &&
                            rest.find_first_not_of("0123456789", 1) == std::string_view::npos);
  };
  for (const std::string_view name : {"127.0.0.1", "localhost", "[::1]"})
    if (names(name)) return true;
  return std::any_of(hosts.begin(), hosts.end(), names);
}

bool is_own_origin(std::string_view origin, const std::vector<std::string>& hosts) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.starts_with(scheme)) return is_own_host(origin.substr(scheme.size()), hosts);
  return false;
}

}  // namespace strop::collector
