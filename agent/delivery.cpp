#include "agent/delivery.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "agent/privacy/gate.h"
#include "agent/spool.h"
#include "agent/uplink.h"
#include "schema/secrets.h"

namespace strop::agent {
namespace {

using nlohmann::json;

// Texts without secrets; names of fields are ours.
void scrub(json& value) {
  if (value.is_string())
    value = schema::scrub_secrets(value.get_ref<const std::string&>());
  else if (value.is_structured())
    for (json& part : value) scrub(part);
}

bool is_below(std::string_view uri, const std::string& folder) {
  constexpr std::string_view kScheme = "file://";
  if (!uri.starts_with(kScheme) || folder.empty()) return false;
  const std::string_view path = uri.substr(kScheme.size());
  const std::string parent = folder.ends_with('/') ? folder : folder + "/";
  return path.starts_with(parent) && path.find("/..") == std::string_view::npos &&
         path.find("/.") == std::string_view::npos;
}

// What leaves: full events of workspaces that consented. Of the rest only the number is kept, and
// where there are exclusions, which it cannot judge, it is kept of all.
GateResult pass(const Config& config, const schema::Event& event) {
  GateResult result;
  result.suppressed = true;
  if (config.mode != Mode::kFull) {
    result.rule = "mode";
    return result;
  }
  if (!config.privacy.exclude.empty()) {
    result.rule = "exclude";
    return result;
  }
  for (const std::string& folder : config.privacy.workspaces) {
    if (!is_below(event.uri, folder)) continue;
    json out = schema::event_to_json(event);
    scrub(out);
    return {false, out.dump(-1, ' ', false, json::error_handler_t::replace), "consent"};
  }
  result.rule = "no_consent";
  return result;
}

class SpooledDelivery : public Delivery, public EventSink {
 public:
  explicit SpooledDelivery(const Config& config) : config_(config) {
    try {
      spool_.emplace(SpoolOptions{.state = config.state});
    } catch (const std::exception& error) {
      spdlog::error("delivery: {}; nothing is captured", error.what());
      return;
    }
    auto options = read_uplink_options(config);
    if (!options) {
      spdlog::error("delivery: {}; what is captured waits in the spool", options.error());
      return;
    }
    uplink_.emplace(std::move(*options));
  }

  EventSink& sink() override { return *this; }
  bool permits(const InlineAsk&) override { return spool_.has_value(); }
  void finish() override {
    if (uplink_) uplink_->stop();
  }

  void take(const schema::Event& event) override {
    if (!spool_) return;
    const GateResult result = pass(config_, event);
    if (result.suppressed)
      spool_->suppress(result.rule);
    else
      spool_->append(result.bytes, result.rule);
  }
  void sync() override {
    if (!spool_) return;
    spool_->sync();
    if (uplink_) uplink_->wake();
  }
  // Consent is the configuration's: what the editor opens changes nothing.
  void observe(Direction, std::string_view) override {}

 private:
  const Config config_;
  std::optional<Spool> spool_;
  std::optional<Uplink> uplink_;
};

}  // namespace

std::unique_ptr<Delivery> make_delivery(const Config& config) {
  return std::make_unique<SpooledDelivery>(config);
}

}  // namespace strop::agent
