#include "agent/provider/probe.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>

#include "agent/provider/http_client.h"

namespace strop::agent {

namespace asio = boost::asio;

tl::expected<void, std::string> try_completion(ProviderConfig config, const Endpoint& endpoint,
                                               const std::string& key) {
  config.max_tokens = 1;
  config.candidates = 1;
  InlineAsk ask;
  ask.prefix = "int main() {\n  return ";
  ask.suffix = ";\n}\n";
  asio::io_context io{1};
  HttpClient client(io, endpoint, key);
  auto answer = asio::co_spawn(
      io,
      client.post(request_body(endpoint.api, config, ask),
                  std::chrono::milliseconds(static_cast<std::int64_t>(config.timeout_ms))),
      asio::use_future);
  io.run();
  const auto body = answer.get();
  if (!body) return tl::unexpected(body.error());
  const auto read = read_completions(endpoint.api, *body, ask);
  if (!read) return tl::unexpected(read.error());
  return {};
}

}  // namespace strop::agent
