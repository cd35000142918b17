// One connection to a model server, kept alive between requests.
//
// Owns the connection; everything runs on the io_context's thread, one request at a time. Times are
// milliseconds, sizes bytes; an answer is at most 4 MiB. Plain http connects to loopback addresses
// alone, whatever the name resolves to; https verifies certificate and name. Errors are messages.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "agent/provider/completion_api.h"

namespace strop::agent {

class HttpClient {
 public:
  // `key`: bearer token; empty: none is sent.
  HttpClient(boost::asio::io_context& io, Endpoint endpoint, std::string key);
  ~HttpClient();

  // The body of a 200 answer. A connection that the server has closed meanwhile is opened anew,
  // once.
  boost::asio::awaitable<tl::expected<std::string, std::string>> post(
      std::string body, std::chrono::milliseconds timeout);

  // Ends the request under way, which then fails, and the connection, so that the server can
  // notice.
  void abort();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strop::agent
