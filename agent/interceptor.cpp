#include "agent/interceptor.h"

#include <nlohmann/json.hpp>

#include <utility>

#include "agent/dialects/editor_words.h"
#include "agent/raw_json.h"

namespace strop::agent {
namespace {

constexpr std::string_view kInlineMethod = "textDocument/inlineCompletion";
constexpr std::string_view kExecuteMethod = "workspace/executeCommand";
constexpr std::size_t kMaxRegistrations = 1024;

Verdict forward() { return {}; }
Verdict replace(std::string body) { return {Verdict::Fate::kReplace, std::move(body)}; }
Verdict swallow() { return {Verdict::Fate::kSwallow, {}}; }

std::string items_of(const InlineAnswer& answer) {
  std::string items;
  for (const std::string& text : answer.texts)
    items += (items.empty() ? "" : ",") + std::string("{\"insertText\":") + json_quoted(text) +
             ",\"range\":{\"start\":" + answer.position + ",\"end\":" + answer.position + "}}";
  return "{\"items\":[" + items + "]}";
}

std::optional<double> clock_time(std::string_view body) {
  const nlohmann::json message = nlohmann::json::parse(body, nullptr, false);
  const auto at = nlohmann::json::json_pointer("/params/t_ms");
  if (!message.contains(at) || !message.at(at).is_number()) return std::nullopt;
  return message.at(at).get<double>();
}

long long process_id_of(std::string_view initialize) {
  const nlohmann::json message = nlohmann::json::parse(initialize, nullptr, false);
  const auto at = nlohmann::json::json_pointer("/params/processId");
  if (!message.contains(at) || !message.at(at).is_number_integer()) return 0;
  return message.at(at).get<long long>();
}

}  // namespace

Interceptor::Interceptor(InterceptorOptions options, Clock& clock, Tap* tap)
    : options_(std::move(options)), clock_(clock), tap_(tap), documents_(options_.ask) {}

Verdict Interceptor::on_message(Direction direction, std::string_view body) {
  try {
    return direction == Direction::kClientToServer ? from_client(body) : from_server(body);
  } catch (const std::exception&) {
    ++counts_.faults;
    return forward();
  }
}

void Interceptor::on_untapped(Direction direction) {
  try {
    if (tap_ != nullptr) tap_->lose(clock_.now_ms());
    if (direction == Direction::kClientToServer && provider_ != nullptr) documents_.lose();
  } catch (const std::exception&) {
    ++counts_.faults;
  }
}

void Interceptor::on_forwarded(Direction direction) {
  if (tap_ != nullptr) tap_->wake();
  if (direction != Direction::kClientToServer || provider_ == nullptr) return;
  try {
    documents_.catch_up();
  } catch (const std::exception&) {
    ++counts_.faults;
  }
}

// Before the message goes on, so that what it causes is behind it in the tap.
void Interceptor::copy_to_tap(Direction direction, std::string_view body) {
  if (tap_ == nullptr) return;
  TapItem item;
  item.direction = direction;
  item.body = std::string(body);
  item.t_ms = clock_.now_ms();
  tap_->push(std::move(item));
}

void Interceptor::answer_editor(const std::string& body) {
  if (!inject_ || !inject_(frame(body))) ++counts_.undelivered;
}

Verdict Interceptor::from_client(std::string_view body) {
  const lsp::Peeked message = lsp::peek(body);
  if (clock_.of_client() && message.method == kClockMethod) return on_clock(body);
  copy_to_tap(Direction::kClientToServer, body);
  if (message.method.starts_with(kOwnMethods)) return on_own(body, message);
  if (provider_ != nullptr && message.kind == lsp::MessageKind::kNotification)
    documents_.note(message.method, body);
  if (!options_.accept_command.empty() && carries_item(message.method)) {
    auto unwrapped = unwrap_item(body, options_.accept_command);
    if (!unwrapped) return forward();
    ++counts_.unwrapped;
    return replace(std::move(*unwrapped));
  }
  if (message.method == "$/cancelRequest") return on_cancel(body);
  if (message.kind != lsp::MessageKind::kRequest) return forward();
  if (message.method == "initialize") {
    if (on_editor_process_) on_editor_process_(process_id_of(body));
    const std::lock_guard lock(session_mutex_);
    awaited_.add(message.id, message.method, Awaited::kInitialize);
  } else if (message.method == kInlineMethod) {
    return on_inline_request(body, message);
  } else if (message.method == kExecuteMethod && !options_.accept_command.empty()) {
    return on_accept(body, message);
  }
  return forward();
}

Verdict Interceptor::on_clock(std::string_view body) {
  if (const auto t_ms = clock_time(body)) {
    clock_.announce(*t_ms);
    TapItem item;
    item.kind = TapItem::Kind::kTime;
    item.t_ms = clock_.now_ms();
    if (tap_ != nullptr) tap_->push(std::move(item));
  }
  return swallow();
}

Verdict Interceptor::on_own(std::string_view body, const lsp::Peeked& message) {
  if (message.kind == lsp::MessageKind::kRequest) {
    ++counts_.own_requests;
    answer_editor(control_ != nullptr
                      ? control_->answer(message.method, message.raw_id, body)
                      : error_answer(message.raw_id, kMethodNotFound, "nothing answers here"));
  } else if (!may_be_word(message.method)) {
    ++counts_.own_unknown;
  }
  return swallow();
}

Verdict Interceptor::on_accept(std::string_view body, const lsp::Peeked& message) {
  auto accept = read_accept(body, options_.accept_command);
  if (!accept) return forward();
  ++counts_.accepts;
  if (accept->inner_request) return replace(std::move(*accept->inner_request));
  answer_editor(null_answer(message.raw_id));
  return swallow();
}

bool Interceptor::provides() const {
  if (provider_ == nullptr) return false;
  if (options_.provider_first) return true;
  const std::lock_guard lock(session_mutex_);
  if (server_.inline_completion) return false;
  for (const auto& [id, registration] : registrations_)
    if (registration.inline_completion) return false;
  return true;
}

Verdict Interceptor::on_inline_request(std::string_view body, const lsp::Peeked& message) {
  if (!provides()) {
    const std::lock_guard lock(session_mutex_);
    awaited_.add(message.id, message.method, Awaited::kInline);
    return forward();
  }
  auto ask = documents_.around_cursor(body, message.raw_id);
  if (ask) {
    ++counts_.asked;
    provider_->ask(std::move(*ask));
  } else {
    ++counts_.no_context;
    InlineAnswer nothing;
    nothing.request_id = message.raw_id;
    deliver(nothing);
  }
  return swallow();
}

Verdict Interceptor::on_cancel(std::string_view body) {
  if (provider_ == nullptr) return forward();
  const auto params = json_at(body, "params");
  const auto id = params ? json_at(*params, "id") : std::nullopt;
  if (!id || !provider_->cancel(*id)) return forward();
  ++counts_.cancelled;
  return swallow();
}

Verdict Interceptor::from_server(std::string_view body) {
  copy_to_tap(Direction::kServerToClient, body);
  const lsp::Peeked message = lsp::peek(body);
  if (message.kind == lsp::MessageKind::kResponse) return on_answer(body, message);
  if (message.method == "client/registerCapability") return on_registration(body);
  if (message.method == "client/unregisterCapability") on_unregistration(body);
  return forward();
}

Verdict Interceptor::on_answer(std::string_view body, const lsp::Peeked& message) {
  std::optional<lsp::PendingRequests<Awaited>::Entry> entry;
  bool announced = false;
  {
    const std::lock_guard lock(session_mutex_);
    entry = awaited_.take(message.id);
    announced = accept_announced_;
  }
  if (!entry || message.has_error) return forward();
  if (entry->payload == Awaited::kInitialize) return on_initialize_answer(body);
  if (!announced) return forward();
  auto wrapped = wrap_items(body, options_.accept_command, message.raw_id, own_commands());
  if (!wrapped) return forward();
  ++counts_.wrapped;
  return replace(std::move(*wrapped));
}

Verdict Interceptor::on_initialize_answer(std::string_view body) {
  ServerFacts facts = read_server_facts(body);
  if (!facts.valid) return forward();
  if (const auto encoding = lsp::encoding_from_name(facts.position_encoding))
    documents_.set_encoding(*encoding);
  std::optional<std::string> announced;
  if (!options_.accept_command.empty() || provider_ != nullptr)
    announced = announce(body, options_.accept_command, provider_ != nullptr);
  {
    const std::lock_guard lock(session_mutex_);
    server_ = std::move(facts);
    accept_announced_ = announced && !options_.accept_command.empty();
  }
  if (!announced) return forward();
  ++counts_.announced;
  return replace(std::move(*announced));
}

std::vector<std::string> Interceptor::own_commands() const {
  const std::lock_guard lock(session_mutex_);
  std::vector<std::string> commands = server_.commands;
  for (const auto& [id, registration] : registrations_)
    commands.insert(commands.end(), registration.commands.begin(), registration.commands.end());
  return commands;
}

Verdict Interceptor::on_registration(std::string_view body) {
  const std::vector<Registered> registered = read_registrations(body);
  bool announce_now = false;
  {
    const std::lock_guard lock(session_mutex_);
    for (const Registered& one : registered) {
      if (one.method != kExecuteMethod && one.method != kInlineMethod) continue;
      if (registrations_.size() >= kMaxRegistrations) break;
      Registration& registration = registrations_[one.id];
      registration.commands = one.commands;
      registration.inline_completion = one.method == kInlineMethod;
      announce_now |= one.method == kExecuteMethod;
    }
    announce_now = announce_now && !accept_announced_ && !options_.accept_command.empty();
  }
  if (!announce_now) return forward();
  auto announced = announce_in_registration(body, options_.accept_command);
  if (!announced) return forward();
  {
    const std::lock_guard lock(session_mutex_);
    accept_announced_ = true;
    for (const Registered& one : registered)
      if (one.method == kExecuteMethod) {
        registrations_[one.id].carries_accept = true;
        break;
      }
  }
  ++counts_.announced;
  return replace(std::move(*announced));
}

void Interceptor::on_unregistration(std::string_view body) {
  const std::vector<std::string> ids = read_unregistrations(body);
  const std::lock_guard lock(session_mutex_);
  for (const std::string& id : ids) {
    const auto found = registrations_.find(id);
    if (found == registrations_.end()) continue;
    // It goes with its registration; the next one gains it anew.
    if (found->second.carries_accept) accept_announced_ = false;
    registrations_.erase(found);
  }
}

void Interceptor::deliver(const InlineAnswer& answer) {
  const std::string body = answer.cancelled ? error_answer(answer.request_id, kRequestCancelled,
                                                           "the request was cancelled")
                                            : result_answer(answer.request_id, items_of(answer));
  bool announced = false;
  {
    const std::lock_guard lock(session_mutex_);
    announced = accept_announced_;
  }
  if (tap_ != nullptr && !answer.texts.empty()) {
    TapItem note;
    note.kind = TapItem::Kind::kProvided;
    note.request_id = answer.request_id;
    note.note = answer.note;
    note.t_ms = clock_.now_ms();
    tap_->push(std::move(note));
  }
  copy_to_tap(Direction::kServerToClient, body);
  const auto wrapped =
      announced ? wrap_items(body, options_.accept_command, answer.request_id, {}) : std::nullopt;
  answer_editor(wrapped.value_or(body));
  if (tap_ != nullptr) tap_->wake();
}

}  // namespace strop::agent
