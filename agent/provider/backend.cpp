#include "agent/provider/backend.h"

#include <sodium.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

namespace strop::agent {
namespace {

ProviderConfig with_arm(ProviderConfig config, const ProviderArm& arm) {
  if (arm.url) {
    // Neither a key nor a name is another server's.
    config.url = *arm.url;
    config.key_file.clear();
    config.name.clear();
  }
  config.key_file = arm.key_file.value_or(config.key_file);
  config.name = arm.producer.value_or(config.name);
  config.model = arm.model.value_or(config.model);
  config.fim = arm.fim.value_or(config.fim);
  config.max_tokens = arm.max_tokens.value_or(config.max_tokens);
  config.temperature = arm.temperature.value_or(config.temperature);
  config.timeout_ms = arm.timeout_ms.value_or(config.timeout_ms);
  config.silence_file = arm.silence_file.value_or(config.silence_file);
  config.arms.clear();
  return config;
}

tl::expected<schema::SilenceRule, std::string> read_silence(const ProviderConfig& config) {
  const auto refuse = [&config](const std::string& why) {
    return tl::unexpected("provider.silence_file " + config.silence_file.string() + ": " + why);
  };
  std::ifstream file(config.silence_file);
  if (!file) return refuse("cannot be read; `strop-collector calibrate` makes one");
  auto rule = schema::silence_from_json(nlohmann::json::parse(file, nullptr, false));
  if (!rule) return refuse(rule.error());
  if (config.silence == Silence::kHead && !rule->head)
    return refuse("holds no head: set provider.silence = \"threshold\", or calibrate on more");
  return *rule;
}

tl::expected<Backend, std::string> make_backend(const ProviderConfig& config) {
  Backend backend;
  backend.config = config;
  if (!config.key_file.empty()) {
    auto key = read_key_file(config.key_file);
    if (!key) return tl::unexpected(key.error());
    backend.key = std::move(*key);
  }
  auto endpoint = parse_endpoint(config.url, !backend.key.empty());
  if (!endpoint) return tl::unexpected(endpoint.error());
  backend.endpoint = std::move(*endpoint);
  if (config.silence == Silence::kOff) return backend;
  auto rule = read_silence(config);
  if (!rule) return tl::unexpected(rule.error());
  backend.silence = std::move(*rule);
  return backend;
}

}  // namespace

tl::expected<std::vector<Backend>, std::string> make_backends(const ProviderConfig& config) {
  std::vector<Backend> backends;
  if (config.arms.empty()) {
    auto only = make_backend(config);
    if (!only) return tl::unexpected(only.error());
    backends.push_back(std::move(*only));
  }
  for (const ProviderArm& arm : config.arms) {
    auto backend = make_backend(with_arm(config, arm));
    if (!backend) return tl::unexpected("arm '" + arm.name + "': " + backend.error());
    backend->arm = arm.name;
    backend->weight = arm.weight;
    backends.push_back(std::move(*backend));
  }
  return backends;
}

std::size_t choose_backend(const std::vector<Backend>& backends, std::string_view subject) {
  if (backends.size() == 1) return 0;
  double all = 0;
  // Another experiment is another draw.
  std::string drawn = "arms";
  for (const Backend& backend : backends) {
    all += backend.weight;
    drawn += '\0' + backend.arm.value_or("");
  }
  drawn += '\0' + std::string(subject);
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(drawn.data()),
                     drawn.size());
  double share = 0;
  for (std::size_t i = 7; i-- > 0;) share = (share + digest.at(i)) / 256;
  double left = share * all;
  for (std::size_t i = 0; i + 1 < backends.size(); ++i) {
    if (left < backends[i].weight) return i;
    left -= backends[i].weight;
  }
  return backends.size() - 1;
}

}  // namespace strop::agent
