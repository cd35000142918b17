#include "simulation/lsp_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>

extern char** environ;

namespace strop::simulation {
namespace {

using nlohmann::json;

// One framed message taken off the front of `buffer`, if it is all there.
std::optional<json> take_message(std::string& buffer) {
  const std::size_t head = buffer.find("\r\n\r\n");
  if (head == std::string::npos) return std::nullopt;
  const std::size_t at = buffer.find("Content-Length: ");
  if (at == std::string::npos || at > head)
    throw std::runtime_error("the server sent a header without Content-Length");
  const std::size_t length = std::stoul(buffer.substr(at + 16));
  if (buffer.size() < head + 4 + length) return std::nullopt;
  json message = json::parse(buffer.substr(head + 4, length));
  buffer.erase(0, head + 4 + length);
  return message;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (std::string& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

LspClient::LspClient(const std::vector<std::string>& command,
                     const std::vector<std::string>& environment) {
  signal(SIGPIPE, SIG_IGN);
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipes are left");
  // Everything the child needs is made before the fork: after it, only async-signal-safe calls.
  std::vector<std::string> arguments = command;
  std::vector<std::string> variables = environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view name =
        std::string_view(*entry).substr(0, std::string_view(*entry).find('=') + 1);
    bool replaced = false;
    for (const std::string& given : environment) replaced |= given.starts_with(name);
    if (!replaced) variables.emplace_back(*entry);
  }
  const auto argv = pointers(arguments);
  const auto envp = pointers(variables);
  child_ = fork();
  if (child_ < 0) throw std::runtime_error("fork failed");
  if (child_ == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    execvpe(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_child_ = in[1];
  from_child_ = out[0];
  fcntl(to_child_, F_SETFL, O_NONBLOCK);
}

LspClient::~LspClient() {
  if (child_ > 0) {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  if (to_child_ >= 0) close(to_child_);
  if (from_child_ >= 0) close(from_child_);
}

void LspClient::notify(const std::string& method, json params) {
  send({{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
}

json LspClient::request(const std::string& method, json params, int deadline_ms) {
  return finish_request(begin_request(method, std::move(params)), method, deadline_ms);
}

int LspClient::begin_request(const std::string& method, json params) {
  const int id = ++next_id_;
  send({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}});
  return id;
}

json LspClient::finish_request(int id, const std::string& method, int deadline_ms) {
  while (true) {
    json message = receive(deadline_ms, method);
    if (message.contains("method")) {
      if (message.contains("id")) answer(message);
      continue;
    }
    if (message.value("id", json()) == id) return message;
  }
}

int LspClient::stop() {
  request("shutdown", nullptr);
  notify("exit", nullptr);
  close(to_child_);
  to_child_ = -1;
  // What the server still says is read away, so that it never blocks on us.
  char waste[4096];
  while (true) {
    pollfd ready{from_child_, POLLIN, 0};
    if (poll(&ready, 1, 30'000) <= 0)
      throw std::runtime_error("the server did not end within 30 s of 'exit'");
    if (read(from_child_, waste, sizeof waste) <= 0) break;
  }
  int status = 0;
  waitpid(child_, &status, 0);
  child_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Reads while it writes: a server whose own output is not taken may stop reading.
void LspClient::send(const json& message) {
  const std::string body = message.dump();
  const std::string frame = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  for (std::size_t sent = 0; sent < frame.size();) {
    pollfd ends[2] = {{to_child_, POLLOUT, 0}, {from_child_, POLLIN, 0}};
    if (poll(ends, 2, 60'000) <= 0) throw std::runtime_error("the server did not read for 60 s");
    if ((ends[1].revents & POLLIN) != 0) drain();
    if ((ends[0].revents & (POLLOUT | POLLERR)) == 0) continue;
    const ssize_t wrote = write(to_child_, frame.data() + sent, frame.size() - sent);
    if (wrote < 0 && errno != EAGAIN)
      throw std::runtime_error(std::string("writing to the server: ") + strerror(errno));
    if (wrote > 0) sent += static_cast<std::size_t>(wrote);
  }
}

void LspClient::drain() {
  char chunk[65536];
  const ssize_t got = read(from_child_, chunk, sizeof chunk);
  if (got <= 0) throw std::runtime_error("the server ended");
  buffer_.append(chunk, static_cast<std::size_t>(got));
}

json LspClient::receive(int deadline_ms, const std::string& awaited) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(deadline_ms);
  while (true) {
    if (auto message = take_message(buffer_)) return *message;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd ready{from_child_, POLLIN, 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) <= 0)
      throw std::runtime_error("no answer to " + awaited + " within " +
                               std::to_string(deadline_ms) + " ms");
    drain();
  }
}

void LspClient::answer(const json& request) {
  json result = nullptr;
  if (auto given = on_request_ ? on_request_(request.at("method"), request.value("params", json()))
                               : std::nullopt) {
    result = std::move(*given);
  } else if (request.at("method") == "workspace/configuration") {
    result = json::array();
    for (std::size_t i = 0; i < request.at("params").at("items").size(); ++i)
      result.push_back(nullptr);
  }
  send({{"jsonrpc", "2.0"}, {"id", request.at("id")}, {"result", result}});
}

}  // namespace strop::simulation
