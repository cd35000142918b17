#include "trainer/serve/server.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <exception>
#include <list>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "trainer/generate.h"
#include "trainer/serve/completion_request.h"
#include "trainer/serve/turns.h"
#include "trainer/threads.h"
#include "trainer/tokenizer/prompt.h"

namespace strop::trainer {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using nlohmann::json;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

constexpr std::uint32_t kHeaderLimit = 16 << 10;
constexpr std::uint64_t kBodyLimit = 4 << 20;
constexpr std::chrono::milliseconds kPatience{30'000};  // between two bytes of a client
constexpr std::chrono::milliseconds kLook{100};         // how often stopping is looked for
constexpr std::int64_t kLeastPrompt = 8;

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

// A page in a browser elsewhere may send requests here (DNS rebinding); it cannot choose these
// names.
bool is_loopback_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1) == "[::1]";
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host == "127.0.0.1";
}

bool same_token(std::string_view a, std::string_view b) {
  unsigned char different = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    different |= static_cast<unsigned char>(a[i] ^ b[i]);
  return different == 0;
}

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool has_left(int socket) {
  char byte = 0;
  const ssize_t got = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace

class Server::Impl {
 public:
  Impl(LoadedModel& model, ServeOptions options)
      : model_(model),
        options_(std::move(options)),
        generator_(model.decoder, model.tokenizer),
        turns_(kMaxWaiting) {
    const std::int64_t positions = model.decoder.config().max_positions;
    if (options_.context == 0) options_.context = positions;
    if (options_.context > positions || options_.context <= kLeastPrompt)
      throw std::invalid_argument("--context must be from " + std::to_string(kLeastPrompt + 1) +
                                  " to the model's " + std::to_string(positions) + " positions");
  }
  ~Impl() { stop(); }

  void start() {
    const Address address = address_of(options_.bind);
    beast::error_code error;
    const auto found = Tcp::resolver(io_).resolve(address.host, address.port, error);
    if (error || found.empty())
      throw std::invalid_argument("'" + options_.bind + "' cannot be resolved: " + error.message());
    const Tcp::endpoint endpoint = found.begin()->endpoint();
    loopback_ = endpoint.address().is_loopback();
    if (!loopback_ && options_.token.empty() && !options_.behind_proxy)
      throw std::invalid_argument(
          "'" + options_.bind +
          "' can be reached from other machines: give --token-file, or --behind-proxy if a proxy "
          "with TLS sees to who may ask");
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

 private:
  struct Session {
    std::thread thread;
    std::atomic<bool> ended{false};
  };

  // False: `patience` ran out, or the server is stopping.
  bool wait_readable(int socket, std::chrono::milliseconds patience) const {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!stopping_ && std::chrono::steady_clock::now() < until) {
      pollfd item{socket, POLLIN, 0};
      if (::poll(&item, 1, static_cast<int>(kLook.count())) > 0) return true;
    }
    return false;
  }

  void accept() {
    while (!stopping_) {
      if (!wait_readable(acceptor_->native_handle(), kPatience)) continue;
      beast::error_code error;
      Tcp::socket socket = acceptor_->accept(error);
      std::erase_if(sessions_, [](Session& session) {
        if (session.ended) session.thread.join();
        return session.ended.load();
      });
      if (error || sessions_.size() >= kMaxSessions) continue;  // closing it tells the client
      sessions_.emplace_back();
      Session& session = sessions_.back();
      session.thread = std::thread([this, &session, own = std::move(socket)]() mutable {
        prepare_compute_thread();
        try {
          serve(own);
        } catch (const std::exception&) {
          // The connection is lost; there is nobody to tell.
        }
        session.ended = true;
      });
    }
    acceptor_->close();
  }

  void serve(Tcp::socket& socket) {
    socket.non_blocking(false);
    socket.set_option(Tcp::no_delay(true));
    beast::flat_buffer buffer;
    while (!stopping_) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(kHeaderLimit);
      parser.body_limit(kBodyLimit);
      beast::error_code error;
      while (!parser.is_done() && !error) {
        if (buffer.size() == 0 && !wait_readable(socket.native_handle(), kPatience)) return;
        http::read_some(socket, buffer, parser, error);
      }
      if (error == http::error::end_of_stream) return;
      if (error) return refuse(socket, error);
      const Request request = parser.release();
      Response response = answer(request, socket.native_handle());
      response.version(request.version());
      response.keep_alive(request.keep_alive() && !stopping_);
      response.prepare_payload();
      http::write(socket, response, error);
      if (error || !response.keep_alive()) return;
    }
  }

  void refuse(Tcp::socket& socket, beast::error_code error) {
    const bool large = error == http::error::body_limit || error == http::error::header_limit;
    Response response = error_of(
        {large ? 413 : 400, large ? "the request is too large" : "this is not HTTP/1.1", ""});
    response.keep_alive(false);
    response.prepare_payload();
    beast::error_code ignored;
    http::write(socket, response, ignored);
    socket.shutdown(Tcp::socket::shutdown_both, ignored);
  }

  static Response json_of(int status, const json& body) {
    Response out{http::int_to_status(static_cast<unsigned>(status)), 11};
    out.set(http::field::content_type, "application/json");
    out.set(http::field::cache_control, "no-store");
    out.body() = json_text(body);
    return out;
  }
  static Response error_of(const RequestError& error) {
    return json_of(error.status, error_response(error));
  }

  std::optional<RequestError> intruder(const Request& request) const {
    if (const auto origin = request[http::field::origin]; !origin.empty())
      return RequestError{403, "requests from web pages are refused", ""};
    const auto host = request[http::field::host];
    if (loopback_ && !options_.behind_proxy && !is_loopback_name({host.data(), host.size()}))
      return RequestError{403, "the Host header must name this machine (localhost)", ""};
    if (options_.token.empty()) return std::nullopt;
    const auto given = request[http::field::authorization];
    if (!same_token({given.data(), given.size()}, "Bearer " + options_.token))
      return RequestError{401, "a token is needed: Authorization: Bearer TOKEN", ""};
    return std::nullopt;
  }

  Response answer(const Request& request, int socket) {
    if (const auto error = intruder(request)) return error_of(*error);
    const auto target = request.target();
    const std::string path(target.substr(0, target.find('?')));
    const bool asks = path == "/v1/completions";
    if (!asks && path != "/v1/models" && path != "/health")
      return error_of({404, "there is only /v1/completions, /v1/models and /health", ""});
    if (request.method() != (asks ? http::verb::post : http::verb::get)) {
      Response out = error_of({405, asks ? "POST it" : "GET it", ""});
      out.set(http::field::allow, asks ? "POST" : "GET");
      return out;
    }
    if (path == "/health") return json_of(200, {{"status", "ok"}});
    if (path == "/v1/models")
      return json_of(200, {{"object", "list"},
                           {"data", json::array({{{"id", model_.name},
                                                  {"object", "model"},
                                                  {"created", started_},
                                                  {"owned_by", "strop"}}})}});
    const auto read = read_completion_request(request.body(), model_.name);
    if (!read) return error_of(read.error());
    return complete(*read, socket);
  }

  Response complete(const CompletionRequest& request, int socket) {
    const auto is_gone = [this, socket] { return stopping_ || has_left(socket); };
    switch (turns_.enter(is_gone)) {
      case Turns::Entry::kFull: {
        Response out = error_of({503, "too many requests wait; try again", ""});
        out.set(http::field::retry_after, "1");
        return out;
      }
      case Turns::Entry::kGone:
        return error_of({503, "the server is ending", ""});
      case Turns::Entry::kMine:
        break;
    }
    struct Leave {
      Turns& turns;
      ~Leave() { turns.leave(); }
    } const leave{turns_};
    try {
      return generate(request, is_gone);
    } catch (const std::invalid_argument& error) {
      return error_of({400, error.what(), ""});
    } catch (const std::exception& error) {
      return error_of({500, error.what(), ""});
    }
  }

  // In the caller's turn.
  Response generate(const CompletionRequest& request, const std::function<bool()>& is_gone) {
    const std::int64_t wanted = std::min(request.max_tokens, options_.context - kLeastPrompt);
    const auto budget = static_cast<std::size_t>(options_.context - wanted);
    const std::vector<TokenId> prompt =
        fit_prompt(model_.tokenizer, model_.family, request.prompt, request.suffix, budget);
    GenerateOptions options;
    options.max_tokens = wanted;
    options.temperature = request.temperature;
    options.top_p = request.top_p;
    options.seed = request.seed;
    options.stop = request.stop;
    options.alternatives = request.logprobs.value_or(0);
    options.is_cancelled = is_gone;
    const std::vector<Completion> completions = generator_.complete(prompt, request.count, options);
    const Usage usage{prompt.size(), static_cast<std::size_t>(generator_.reused())};
    const std::string id = "cmpl-" + std::to_string(started_) + "-" + std::to_string(++served_);
    return json_of(200, completion_response(id, unix_seconds(), model_.name, completions, request,
                                            model_.tokenizer, usage));
  }

  LoadedModel& model_;
  ServeOptions options_;
  Generator generator_;  // of the one whose turn it is
  Turns turns_;
  const std::int64_t started_ = unix_seconds();
  std::uint64_t served_ = 0;  // of the one whose turn it is
  bool loopback_ = true;
  asio::io_context io_;
  std::optional<Tcp::acceptor> acceptor_;
  std::atomic<bool> stopping_{false};
  std::list<Session> sessions_;  // of the accepting thread, until it has ended
  std::thread accepting_;
};

Server::Server(LoadedModel& model, ServeOptions options)
    : impl_(std::make_unique<Impl>(model, std::move(options))) {}
Server::~Server() = default;
void Server::start() { impl_->start(); }
void Server::stop() { impl_->stop(); }
std::uint16_t Server::port() const { return impl_->port(); }

}  // namespace strop::trainer
