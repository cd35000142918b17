#include "trainer/serve/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <sstream>

namespace strop::trainer {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLook{100};  // how often stopping is looked for
constexpr milliseconds kFarewell{5'000};
constexpr std::size_t kRead = 64 << 10;

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

milliseconds left_until(Clock::time_point end) {
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(end - Clock::now()));
}

}  // namespace

bool wait_ready(int socket, short events, milliseconds patience,
                const std::atomic<bool>& stopping) {
  const auto until = Clock::now() + patience;
  while (!stopping && Clock::now() < until) {
    pollfd item{socket, events, 0};
    if (::poll(&item, 1, static_cast<int>(kLook.count())) > 0) return true;
  }
  return false;
}

Connection::Connection(asio::ip::tcp::socket socket, const std::atomic<bool>& stopping,
                       milliseconds patience)
    : socket_(std::move(socket)), stopping_(stopping), patience_(patience) {
  socket_.non_blocking(true);
  socket_.set_option(asio::ip::tcp::no_delay(true));
}

// Takes from the buffer what there is of the request.
std::optional<RequestError> Connection::parse(Parser& parser) {
  while (buffer_.size() > 0 && !parser.is_done()) {
    beast::error_code error;
    buffer_.consume(parser.put(buffer_.data(), error));
    if (error == http::error::need_more) return std::nullopt;
    if (error == http::error::body_limit)
      return RequestError{413, "the body is larger than " + std::to_string(kBodyLimit) + " bytes",
                          "", ""};
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return RequestError{
          431, "the headers are larger than " + std::to_string(kHeaderLimit) + " bytes", "", ""};
    if (error) return RequestError{400, "this is not HTTP/1.1", "", ""};
  }
  return std::nullopt;
}

tl::expected<std::optional<HttpRequest>, RequestError> Connection::read() {
  Parser parser;
  parser.header_limit(kHeaderLimit);
  parser.body_limit(kBodyLimit);
  parser.eager(true);
  bool told_to_go_on = false;
  auto until = Clock::now() + patience_;
  bool begun = buffer_.size() > 0;
  while (true) {
    if (const auto error = parse(parser)) return tl::unexpected(*error);
    if (parser.is_done()) return std::optional(parser.release());
    if (parser.is_header_done() && !told_to_go_on &&
        beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      told_to_go_on = true;
      if (!send("HTTP/1.1 100 Continue\r\n\r\n")) return std::nullopt;
    }
    if (!wait_ready(socket_.native_handle(), POLLIN, left_until(until), stopping_)) {
      if (begun && !stopping_)
        return tl::unexpected(RequestError{408, "the request did not come to its end", "", ""});
      return std::nullopt;
    }
    beast::error_code error;
    const std::size_t got = socket_.read_some(buffer_.prepare(kRead), error);
    buffer_.commit(got);
    if (error == asio::error::would_block) continue;
    if (error) return std::nullopt;
    if (!begun) until = Clock::now() + patience_;
    begun = true;
  }
}

bool Connection::send(std::string_view bytes) {
  const auto until = Clock::now() + patience_;  // for all of it: a byte now and then is not enough
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (!would_block() ||
        !wait_ready(socket_.native_handle(), POLLOUT, left_until(until), stopping_))
      return false;
  }
  return true;
}

bool Connection::write(HttpResponse response) {
  response.prepare_payload();
  std::ostringstream text;
  text << response;
  return send(text.str());
}

bool Connection::begin_events(const HttpRequest& request) {
  http::response<http::empty_body> head{http::status::ok, request.version()};
  head.set(http::field::content_type, "text/event-stream");
  head.set(http::field::cache_control, "no-store");
  chunked_ = request.version() >= 11;
  if (chunked_) head.chunked(true);
  head.keep_alive(request.keep_alive() && chunked_);
  std::ostringstream text;
  text << head.base();
  return send(text.str());
}

bool Connection::write_event(std::string_view data) {
  const std::string event = "data: " + std::string(data) + "\n\n";
  if (!chunked_) return send(event);
  std::ostringstream text;
  text << std::hex << event.size() << "\r\n" << event << "\r\n";
  return send(text.str());
}

bool Connection::end_events() { return chunked_ && send("0\r\n\r\n"); }

bool Connection::has_left() {
  char byte = 0;
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && !would_block());
}

void Connection::close() {
  beast::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  const auto until = Clock::now() + kFarewell;
  std::array<char, kRead> dropped{};
  while (wait_ready(socket_.native_handle(), POLLIN, left_until(until), stopping_)) {
    const ssize_t got = ::recv(socket_.native_handle(), dropped.data(), dropped.size(), 0);
    if (got == 0 || (got < 0 && !would_block())) break;
  }
  socket_.close(ignored);
}

}  // namespace strop::trainer
