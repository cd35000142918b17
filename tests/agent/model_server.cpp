#include "model_server.h"

#include <utility>

#include "model_connections.h"

namespace strop::agent::test {

ModelServer::ModelServer(Respond respond)
    : connections_(std::make_unique<Connections>(std::move(respond))) {}
ModelServer::~ModelServer() = default;

std::string ModelServer::port() const { return std::to_string(connections_->port()); }
std::string ModelServer::url(const std::string& path) const {
  return "http://127.0.0.1:" + port() + path;
}
std::vector<ServerRequest> ModelServer::requests() const { return connections_->requests(); }
std::size_t ModelServer::connections() const { return connections_->connections(); }
bool ModelServer::await_requests(std::size_t count) const {
  return connections_->await_requests(count);
}
bool ModelServer::await_ended(std::size_t count) const { return connections_->await_ended(count); }

std::string completion_of(const std::vector<std::string>& texts, const std::string& model) {
  nlohmann::json choices = nlohmann::json::array();
  for (const std::string& text : texts) choices.push_back({{"text", text}});
  return nlohmann::json{{"model", model}, {"choices", choices}}.dump();
}

}  // namespace strop::agent::test
