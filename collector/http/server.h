// The collector's own small web: /healthz, /readyz and /metrics, on loopback alone.
//
// Ownership: runs a thread of its own from construction to destruction; `respond` is called on it.
// GET and HEAD only; the Host header must name this machine's loopback (a web page elsewhere must
// not reach it by a DNS trick). Sizes and waits are bounded: 8 KiB of header, 5 s. Errors: a port
// in use is an exception of the constructor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace strop::collector {

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using HttpHandler = std::function<HttpResponse(const std::string& path)>;

class HttpServer {
 public:
  // `host` is 127.0.0.1, [::1] or localhost; port 0 takes any free one.
  HttpServer(const std::string& host, std::uint16_t port, HttpHandler respond);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;

 private:
  class Listener;
  std::unique_ptr<Listener> listener_;
};

// Whether a Host header names this machine's loopback: a name or address of it, with any port or
// none.
bool is_loopback_host(std::string_view host);

}  // namespace strop::collector
