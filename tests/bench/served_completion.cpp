#include "bench/served_completion.h"

#include <fcntl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bench/timed_program.h"

namespace strop::bench {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr std::chrono::milliseconds kLook{10};
constexpr std::string_view kField = "data: ";
constexpr std::string_view kEventEnd = "\n\n";

std::string log_of(const TrainerSetup& setup) { return setup.file("serve.log"); }
std::string port_file_of(const TrainerSetup& setup) { return setup.file("serve.port"); }

support::Process start(const TrainerSetup& setup, const std::string& precision, int threads) {
  std::filesystem::remove(port_file_of(setup));  // of the turn before
  const support::Descriptor log(
      ::open(log_of(setup).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  return support::Process(
      {setup.flags().trainer, "serve", "--model", setup.training().base, "--bind", "127.0.0.1:0",
       "--port-file", port_file_of(setup), "--threads", std::to_string(threads), "--device",
       setup.flags().device, "--precision", precision, "--config", "/dev/null"},
      {-1, log.get(), log.get()});
}

// Takes the events that are whole, and leaves the beginning of the next.
class EventReader {
 public:
  template <class Receive>
  void read(std::string_view body, const Receive& receive) {
    for (std::size_t end = body.find(kEventEnd, at_); end != std::string_view::npos;
         end = body.find(kEventEnd, at_)) {
      const std::string_view event = body.substr(at_, end - at_);
      at_ = end + kEventEnd.size();
      if (!event.starts_with(kField)) throw std::runtime_error("serve has sent what is no event");
      if (event != "data: [DONE]") receive(json::parse(event.substr(kField.size())));
    }
  }

 private:
  std::size_t at_ = 0;
};

}  // namespace

ModelServer::ModelServer(const TrainerSetup& setup, const std::string& precision, int threads)
    : process_(start(setup, precision, threads)) {
  while (port_ == 0) {
    if (process_.has_ended(kLook))
      throw std::runtime_error("strop-trainer serve has ended; it said:\n" +
                               end_of_log(log_of(setup)));
    std::ifstream(port_file_of(setup)) >> port_;
  }
}

ModelServer::~ModelServer() = default;

ServedCompletion ModelServer::complete(const std::string& prompt, int most_tokens) const {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), port_});
  socket.set_option(asio::ip::tcp::no_delay(true));
  http::request<http::string_body> request{http::verb::post, "/v1/completions", 11};
  request.set(http::field::host, "localhost");
  request.body() = json{{"prompt", prompt},
                        {"max_tokens", most_tokens},
                        {"temperature", 0},
                        {"stream", true},
                        {"stream_options", {{"include_usage", true}}}}
                       .dump();
  request.prepare_payload();

  ServedCompletion out;
  const auto began = Clock::now();
  http::write(socket, request);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> answer;
  EventReader events;
  while (!answer.is_done()) {
    http::read_some(socket, buffer, answer);
    const double now = std::chrono::duration<double>(Clock::now() - began).count();
    if (!answer.is_header_done()) continue;
    const std::string& body = answer.get().body();
    if (answer.get().result() != http::status::ok) continue;
    events.read(body, [&](const json& event) {
      if (event.contains("error")) throw std::runtime_error("serve: " + event.dump());
      for (const json& choice : event.at("choices")) {
        if (out.first_seconds == 0) out.first_seconds = now;
        out.seconds = now;
        out.text += choice.at("text").get<std::string>();
      }
      if (!event.contains("usage")) return;
      out.prompt_tokens = event.at("usage").at("prompt_tokens").get<std::size_t>();
      out.tokens = event.at("usage").at("completion_tokens").get<std::size_t>();
    });
  }
  if (answer.get().result() != http::status::ok)
    throw std::runtime_error("serve has refused to complete: " + answer.get().body());
  return out;
}

}  // namespace strop::bench
