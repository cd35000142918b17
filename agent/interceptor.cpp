#include "agent/interceptor.h"

#include <nlohmann/json.hpp>

#include <utility>

#include "agent/dialects/editor_words.h"
#include "agent/followed_methods.h"
#include "agent/raw_json.h"

namespace strop::agent {
namespace {

constexpr std::string_view kInlineMethod = "textDocument/inlineCompletion";
constexpr std::string_view kExecuteMethod = "workspace/executeCommand";
constexpr std::string_view kRegisterMethod = "client/registerCapability";
constexpr std::string_view kUnregisterMethod = "client/unregisterCapability";
constexpr std::string_view kCancelMethod = "$/cancelRequest";
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

Passage Interceptor::on_start(Direction direction, std::string_view start, std::size_t whole) {
  try {
    const Passage passage = started(direction, start);
    if (passage != Passage::kCopied) return passage;
    if (tap_ == nullptr) return Passage::kAsIs;
    if (direction == Direction::kServerToClient) forget_answered(start);
    TapItem& growing = lane(direction).growing;
    growing = TapItem();
    growing.direction = direction;
    growing.body.reserve(whole);
    return passage;
  } catch (const std::exception&) {
    ++counts_.faults;
    return Passage::kWhole;
  }
}

Passage Interceptor::started(Direction direction, std::string_view start) const {
  const auto message = lsp::glance(start);
  if (!message) return Passage::kUndecided;
  return direction == Direction::kClientToServer ? start_from_client(*message)
                                                 : start_from_server(*message);
}

// What only capture reads goes on at once; what may be changed, or answered here, waits.
Passage Interceptor::start_from_client(const lsp::Glanced& message) const {
  const std::string_view method = message.method;
  if (method.empty()) {
    const std::lock_guard lock(session_mutex_);
    const bool known = awaited_by_server_.find(message.id) != nullptr;
    return known || awaited_by_server_.displaced() > 0 ? Passage::kWhole : Passage::kAsIs;
  }
  switch (followed(Direction::kClientToServer, method)) {
    case Followed::kNo:
      return method.starts_with(kOwnMethods) || method == kClockMethod ? Passage::kWhole
                                                                       : Passage::kAsIs;
    case Followed::kMessage:
      break;
    case Followed::kWithAnswer:
      return Passage::kWhole;
  }
  // The provider reads the documents, too.
  const bool only_read = provider_ == nullptr && !method.starts_with(kOwnMethods) &&
                         method != kCancelMethod && method != kExecuteMethod &&
                         !carries_item(method);
  return only_read ? Passage::kCopied : Passage::kWhole;
}

Passage Interceptor::start_from_server(const lsp::Glanced& message) const {
  if (message.method.empty()) {
    const std::lock_guard lock(session_mutex_);
    const auto* entry = awaited_.find(message.id);
    if (entry == nullptr) return awaited_.displaced() > 0 ? Passage::kWhole : Passage::kAsIs;
    return entry->payload == Awaited::kFollowed ? Passage::kCopied : Passage::kWhole;
  }
  switch (followed(Direction::kServerToClient, message.method)) {
    case Followed::kNo:
      break;
    case Followed::kMessage:
      return Passage::kCopied;
    case Followed::kWithAnswer:
      return Passage::kWhole;
  }
  return message.method == kRegisterMethod || message.method == kUnregisterMethod ? Passage::kWhole
                                                                                  : Passage::kAsIs;
}

// The answer has come: its request waits no more.
void Interceptor::forget_answered(std::string_view start) {
  const auto message = lsp::glance(start);
  if (!message || !message->method.empty()) return;
  const std::lock_guard lock(session_mutex_);
  awaited_.take(message->id);
}

void Interceptor::on_part(Direction direction, std::string_view part, bool last) {
  try {
    TapItem& growing = lane(direction).growing;
    growing.body += part;
    if (!last) return;
    growing.t_ms = clock_.now_ms();
    lane(direction).tapped = true;
    tap_->push(std::exchange(growing, TapItem()));
  } catch (const std::exception&) {
    ++counts_.faults;
    tap_->lose(clock_.now_ms());
  }
}

void Interceptor::on_untapped(Direction direction, std::string_view start) {
  try {
    if (started(direction, start) == Passage::kAsIs) return;
    if (tap_ != nullptr) {
      tap_->lose(clock_.now_ms());
      lane(direction).tapped = true;
    }
    if (direction == Direction::kClientToServer && provider_ != nullptr) documents_.lose();
  } catch (const std::exception&) {
    ++counts_.faults;
  }
}

void Interceptor::on_forwarded(Direction direction) {
  if (std::exchange(lane(direction).tapped, false)) tap_->wake();
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

void Interceptor::copy_in_lane(Direction direction, std::string_view body) {
  if (tap_ == nullptr) return;
  copy_to_tap(direction, body);
  lane(direction).tapped = true;
}

void Interceptor::await(lsp::PendingRequests<Awaited>& table, const lsp::Peeked& request,
                        Awaited what) {
  const std::lock_guard lock(session_mutex_);
  if (table.add(request.id, request.method, what)) ++counts_.displaced;
}

void Interceptor::answer_editor(const std::string& body) {
  if (!inject_ || !inject_(frame(body))) ++counts_.undelivered;
}

Verdict Interceptor::from_client(std::string_view body) {
  constexpr Direction kFrom = Direction::kClientToServer;
  const Passage passage = started(kFrom, body);
  if (passage == Passage::kCopied) copy_in_lane(kFrom, body);
  if (passage == Passage::kCopied || passage == Passage::kAsIs) return forward();
  const lsp::Peeked message = lsp::peek(body);
  if (message.kind == lsp::MessageKind::kResponse) {
    on_client_answer(body, message);
    return forward();
  }
  if (clock_.of_client() && message.method == kClockMethod) return on_clock(body);
  const Followed what = followed(kFrom, message.method);
  if (what != Followed::kNo || message.kind == lsp::MessageKind::kUnknown)
    copy_in_lane(kFrom, body);
  if (message.method.starts_with(kOwnMethods)) return on_own(body, message);
  // Nothing that the agent changes or answers is unfollowed.
  if (what == Followed::kNo) return forward();
  if (provider_ != nullptr && message.kind == lsp::MessageKind::kNotification)
    documents_.note(message.method, body);
  if (!options_.accept_command.empty() && carries_item(message.method)) {
    auto unwrapped = unwrap_item(body, options_.accept_command);
    if (!unwrapped) return forward();
    ++counts_.unwrapped;
    return replace(std::move(*unwrapped));
  }
  if (message.method == kCancelMethod) return on_cancel(body);
  if (message.kind != lsp::MessageKind::kRequest) return forward();
  if (message.method == kInlineMethod) return on_inline_request(body, message);
  if (message.method == kExecuteMethod && !options_.accept_command.empty())
    return on_accept(body, message);
  if (message.method == "initialize") {
    if (on_editor_process_) on_editor_process_(process_id_of(body));
    await(awaited_, message, Awaited::kInitialize);
  } else if (what == Followed::kWithAnswer && tap_ != nullptr) {
    await(awaited_, message, Awaited::kFollowed);
  }
  return forward();
}

// What the editor says to a request of the server's.
void Interceptor::on_client_answer(std::string_view body, const lsp::Peeked& message) {
  bool known = false;
  {
    const std::lock_guard lock(session_mutex_);
    known = awaited_by_server_.take(message.id) || awaited_by_server_.displaced() > 0;
  }
  if (known) copy_in_lane(Direction::kClientToServer, body);
}

Verdict Interceptor::on_clock(std::string_view body) {
  if (const auto t_ms = clock_time(body)) {
    clock_.announce(*t_ms);
    TapItem item;
    item.kind = TapItem::Kind::kTime;
    item.t_ms = clock_.now_ms();
    if (tap_ != nullptr) tap_->push(std::move(item));
    lane(Direction::kClientToServer).tapped = tap_ != nullptr;
  }
  return swallow();
}

Verdict Interceptor::on_own(std::string_view body, const lsp::Peeked& message) {
  if (message.kind == lsp::MessageKind::kRequest) {
    ++counts_.own_requests;
    const bool taken =
        control_ != nullptr &&
        control_->ask({message.method, std::string(message.raw_id), std::string(body)},
                      [this](const std::string& answer) { answer_editor(answer); });
    if (!taken)
      answer_editor(error_answer(message.raw_id, kRequestFailed,
                                 "strop-agent has too many requests, or none are answered here"));
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
  if (server_.inline_completion || unrecorded_inline_) return false;
  for (const auto& [id, registration] : registrations_)
    if (registration.inline_completion) return false;
  return true;
}

Verdict Interceptor::on_inline_request(std::string_view body, const lsp::Peeked& message) {
  if (!provides()) {
    await(awaited_, message, Awaited::kInline);
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
  constexpr Direction kFrom = Direction::kServerToClient;
  const Passage passage = started(kFrom, body);
  if (passage == Passage::kCopied) {
    forget_answered(body);
    copy_in_lane(kFrom, body);
  }
  if (passage == Passage::kCopied || passage == Passage::kAsIs) return forward();
  const lsp::Peeked message = lsp::peek(body);
  if (message.kind == lsp::MessageKind::kResponse) return on_answer(body, message);
  const Followed what = followed(kFrom, message.method);
  if (what != Followed::kNo || message.kind == lsp::MessageKind::kUnknown)
    copy_in_lane(kFrom, body);
  if (what == Followed::kWithAnswer && tap_ != nullptr &&
      message.kind == lsp::MessageKind::kRequest)
    await(awaited_by_server_, message, Awaited::kFollowed);
  if (message.method == kRegisterMethod) return on_registration(body);
  if (message.method == kUnregisterMethod) on_unregistration(body);
  return forward();
}

Verdict Interceptor::on_answer(std::string_view body, const lsp::Peeked& message) {
  std::optional<lsp::PendingRequests<Awaited>::Entry> entry;
  bool announced = false;
  bool tapped = false;
  {
    const std::lock_guard lock(session_mutex_);
    entry = awaited_.take(message.id);
    announced = accept_announced_;
    tapped = entry || awaited_.displaced() > 0;
  }
  if (tapped) copy_in_lane(Direction::kServerToClient, body);
  if (!entry || entry->payload == Awaited::kFollowed) return forward();
  if (message.has_error) return forward();
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

bool Interceptor::record(const Registered& registered) {
  const auto known = registrations_.find(registered.id);
  if (known == registrations_.end() && registrations_.size() >= kMaxRegistrations) {
    ++counts_.unrecorded;
    unrecorded_inline_ |= registered.method == kInlineMethod;
    return false;
  }
  Registration& registration = registrations_[registered.id];
  registration.commands = registered.commands;
  registration.inline_completion = registered.method == kInlineMethod;
  return true;
}

Verdict Interceptor::on_registration(std::string_view body) {
  const std::vector<Registered> registered = read_registrations(body);
  bool announce_now = false;
  {
    const std::lock_guard lock(session_mutex_);
    bool first = true;
    for (const Registered& one : registered) {
      if (one.method != kExecuteMethod && one.method != kInlineMethod) continue;
      const bool recorded = record(one);
      if (one.method == kExecuteMethod && std::exchange(first, false)) announce_now = recorded;
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
