// The collector's own small web: /healthz, /readyz and /metrics, on loopback alone.
//
// Ownership: runs a thread of its own from construction to destruction; `respond` is called on it.
// GET and HEAD only; the Host header must name this machine's loopback or a configured name, and an
// Origin the same (a web page elsewhere must not reach it by a DNS trick); with a token every
// request must bear it. Sizes and waits are bounded: 8 KiB of header, 5 s. What is refused is
// counted, and logged at most once a second. Errors: a port in use is an exception of the
// constructor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/metrics.h"

namespace strop::collector {

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using HttpHandler = std::function<HttpResponse(const std::string& path)>;

// Who may ask.
struct HttpDoor {
  std::vector<std::string> hosts;  // besides this machine's loopback, such as a proxy's name
  std::string token;               // of `Authorization: Bearer`; empty: none is asked for
};

class HttpServer {
 public:
  // `host` is 127.0.0.1, [::1] or localhost; port 0 takes any free one.
  HttpServer(const std::string& host, std::uint16_t port, HttpDoor door, HttpHandler respond,
             Metrics& metrics);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;

 private:
  class Listener;
  std::unique_ptr<Listener> listener_;
};

// Whether a Host header names this machine's loopback or one of these, with any port or none.
bool is_own_host(std::string_view host, const std::vector<std::string>& hosts);

// Whether an Origin header is a page of such a host.
bool is_own_origin(std::string_view origin, const std::vector<std::string>& hosts);

}  // namespace strop::collector
