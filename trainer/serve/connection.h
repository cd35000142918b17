// One client's connection: requests in, answers or event streams out.
//
// Owns its socket; one thread. Waits look at `stopping` ten times a second. A client has half a
// minute for a request and for taking each part of an answer; sizes are bounded. Errors: a request
// that is none is returned; a client that is gone is a false or an empty value.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "trainer/serve/request_error.h"

namespace strop::trainer {

using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;
using HttpResponse = boost::beast::http::response<boost::beast::http::string_body>;

// False: `patience` ran out, or `stopping`.
bool wait_ready(int socket, short events, std::chrono::milliseconds patience,
                const std::atomic<bool>& stopping);

class Connection {
 public:
  static constexpr std::uint32_t kHeaderLimit = 16 << 10;
  static constexpr std::uint64_t kBodyLimit = 4 << 20;

  static constexpr std::chrono::milliseconds kPatience{30'000};

  Connection(boost::asio::ip::tcp::socket socket, const std::atomic<bool>& stopping,
             std::chrono::milliseconds patience = kPatience);

  // Nothing: the client has gone or says nothing, or the server is stopping.
  tl::expected<std::optional<HttpRequest>, RequestError> read();

  // Sends it, with the length of its body; false: nobody took it.
  bool write(HttpResponse response);

  // An answer of server-sent events: its head, then a text of `data:` each, then the end. What is
  // not HTTP/1.1 knows the end by the connection's.
  bool begin_events(const HttpRequest& request);
  bool write_event(std::string_view data);
  bool end_events();  // false: the connection must end

  // Whether the client hung up.
  bool has_left();

  // Says no more, and takes what the client still sends, so that it can read what was said.
  void close();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  std::optional<RequestError> parse(Parser& parser);
  bool send(std::string_view bytes);

  boost::asio::ip::tcp::socket socket_;
  const std::atomic<bool>& stopping_;
  const std::chrono::milliseconds patience_;
  boost::beast::flat_buffer buffer_;
  bool chunked_ = false;  // the event stream; else it ends with the connection
};

}  // namespace strop::trainer
