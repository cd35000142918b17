#include "agent/delivery.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "agent/inspector.h"
#include "agent/privacy/gate.h"
#include "agent/privacy/pseudonyms.h"
#include "agent/spool.h"
#include "agent/uplink.h"

namespace strop::agent {
namespace {

constexpr const char* kNoSpool = "no_spool";

GateOptions gate_options(const Config& config) {
  GateOptions options;
  options.mode = config.mode;
  options.workspaces = config.privacy.workspaces;
  options.exclude = config.privacy.exclude;
  options.state = config.state;
  options.user = {config.home, config.config_home / "git"};
  return options;
}

class SpooledDelivery : public Delivery, public EventSink {
 public:
  explicit SpooledDelivery(const Config& config)
      : state_(config.state), gate_(gate_options(config)) {
    read_arms_key(config);
    make_spool();
    auto options = read_uplink_options(config);
    if (!options) {
      spdlog::error("delivery: {}; what is captured waits in the spool", options.error());
      return;
    }
    options->is_paused = [state = config.state] { return is_paused(state); };
    uplink_.emplace(std::move(*options));
  }

  EventSink& sink() override { return *this; }
  bool prepare(InlineAsk& ask) override {
    ProviderDecision decision = gate_.pass_request(ask.uri, ask.prefix, ask.suffix);
    if (arms_of_) {
      ask.user = arms_of_->of("user");
      ask.repository = decision.repository.empty() ? "" : arms_of_->of(decision.repository);
    }
    if (!decision.allowed) return false;
    ask.prefix = std::move(decision.prefix);
    ask.suffix = std::move(decision.suffix);
    return true;
  }
  CaptureRuling ruling(std::string_view uri) override {
    if (!captures_) return {Captured::kNothing, kNoSpool};
    return gate_.ruling(uri);
  }
  void look_again() override { gate_.look_again(); }
  void finish() override {
    if (uplink_) uplink_->stop();
  }

  void take(const schema::Event& event) override {
    if (!spool_) {
      ++missed_;
      return;
    }
    const GateResult result = gate_.pass(event);
    if (result.suppressed)
      spool_->suppress(result.rule);
    else
      spool_->append(result.bytes, result.rule);
  }
  void sync() override {
    if (!spool_) make_spool();
    if (!spool_) return;
    for (; missed_ > 0; --missed_) spool_->suppress(kNoSpool);
    spool_->sync();
    if (uplink_) uplink_->wake();
  }
  // Consent is the configuration's: what the editor opens changes nothing.
  void observe(Direction, std::string_view) override {}

 private:
  // A disk that is full may have room for one later.
  void make_spool() {
    try {
      spool_.emplace(SpoolOptions{.state = state_});
      captures_ = true;
    } catch (const std::exception& error) {
      if (!complained_)
        spdlog::error("delivery: {}; nothing is captured until it can be made", error.what());
      complained_ = true;
    }
  }
  // Whoever cannot be told apart from others gets the same arm as they.
  void read_arms_key(const Config& config) {
    if (config.provider.arms.empty()) return;
    auto names = Pseudonyms::read_or_make(config.state);
    if (names)
      arms_of_ = *names;
    else
      spdlog::error("provider: {}; the arm is the same for all until then", names.error());
  }

  const std::filesystem::path state_;
  Gate gate_;
  std::optional<Pseudonyms> arms_of_;  // if there are arms
  std::optional<Spool> spool_;         // the capture thread's
  std::atomic<bool> captures_{false};
  std::uint64_t missed_ = 0;  // events that came while there was none
  bool complained_ = false;
  std::optional<Uplink> uplink_;
};

}  // namespace

std::unique_ptr<Delivery> make_delivery(const Config& config) {
  return std::make_unique<SpooledDelivery>(config);
}

}  // namespace strop::agent
