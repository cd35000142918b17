#include "collector/doorkeeper.h"

#include "collector/log.h"
#include "collector/usage.h"

namespace strop::collector {
namespace {

constexpr std::int64_t kMsPerSecond = 1000;
constexpr std::uint32_t kRetryMs = 2000;

schema::Nack nack(const EnrolRefusal& refusal) {
  const bool later = refusal.fault == EnrolFault::kFolder;
  return {{},
          0,
          !later,
          later ? schema::NackCode::kStorage : schema::NackCode::kUnauthorised,
          later ? kRetryMs : 0,
          later ? "the collector cannot write its lists of keys now" : refusal.reason};
}

// The pair that is to take server.key's place, if one is.
std::string next_server_key(const std::filesystem::path& keys) {
  const auto file = next_server_key_file(keys);
  if (!std::filesystem::exists(file)) return "";
  const auto key = schema::read_curve_key(file);
  return key ? key->public_key : "";
}

}  // namespace

LiveAllowList::LiveAllowList(const std::filesystem::path& keys)
    : keys_(keys), file_(allow_list_file(keys)) {
  const auto list = read_allow_list(keys);
  if (!list) throw UsageError(list.error());
  load();
}

// False: it could not be read, and the list is as it was.
bool LiveAllowList::load() {
  const auto text = allow_list_text(keys_);
  if (!text) {
    log_error("allow_list_unreadable",
              {{"error", text.error()},
               {"in_force", std::to_string(list_.names_by_key().size()) + " keys, as before"}});
    return false;
  }
  std::vector<int> bad;
  list_ = AllowList::parse(*text, &bad);
  for (const int line : bad) log_error("allow_list_bad_line", {{"line", std::to_string(line)}});
  return true;
}

const AllowList& LiveAllowList::current(double now_ms) {
  if (file_.changed(now_ms) && load())
    log_info("allow_list_changed", {{"keys", std::to_string(list_.names_by_key().size())}});
  return list_;
}

Doorkeeper::Doorkeeper(const std::filesystem::path& keys, Metrics& metrics)
    : keys_(keys), metrics_(metrics), allowed_(keys), waiting_file_(enrol_list_file(keys)) {
  auto list = read_enrol_list(keys);
  if (!list) throw UsageError(list.error());
  waiting_ = std::move(*list);
}

const EnrolList& Doorkeeper::waiting(Moment now) {
  if (!waiting_file_.changed(now.steady_ms)) return waiting_;
  if (auto list = read_enrol_list(keys_))
    waiting_ = std::move(*list);
  else
    log_error("enrol_list_unreadable", {{"error", list.error()}, {"in_force", "as before"}});
  return waiting_;
}

std::string Doorkeeper::objection(const std::string& key, Moment now) {
  if (allowed(now).name_of(key)) return "";
  // Who was told a moment ago to come must not be sent away: looked at anew for every stranger.
  allowed_.look_soon();
  waiting_file_.look_soon();
  if (allowed(now).name_of(key)) return "";
  const TokenLine* const token = waiting(now).token_of(key);
  if (token == nullptr) return "not on the allow-list";
  if (token->used) return "token of " + token->name + " that was used already";
  if (now.unix_ms >= token->until_s * kMsPerSecond)
    return "token of " + token->name + " that has expired";
  return "";
}

Caller Doorkeeper::caller(const std::string& key, const std::string& address, Moment now) {
  const auto user = allowed(now).name_of(key);
  if (user && waiting(now).predecessor_of(key)) retire_predecessor_of(key, *user);
  return {user.value_or(""), user.has_value(), key, address};
}

void Doorkeeper::retire_predecessor_of(const std::string& key, const std::string& user) {
  const KeyResult retired = retire_predecessor(keys_, key);
  allowed_.look_soon();
  waiting_file_.look_soon();
  waiting_.remove_successor(key);  // tried once: a folder that cannot be written stays so
  if (retired)
    log_info("key_replaced", {{"user", user}});
  else
    log_error("key_not_replaced",
              {{"user", user},
               {"error", retired.error()},
               {"advice", "the old key is still allowed; take its line out of allow.list"}});
}

schema::Frame Doorkeeper::enrol(const Caller& caller, const schema::Enrol& enrol, Moment now) {
  const auto name = caller.allowed
                        ? succeed(keys_, caller.key, enrol.key)
                        : redeem(keys_, caller.key, enrol.key, now.unix_ms / kMsPerSecond);
  allowed_.look_soon();
  waiting_file_.look_soon();
  if (!name) {
    ++metrics_.enrolments_refused;
    log_warn("enrol_refused", {{"reason", name.error().reason},
                               {"user", caller.user},
                               {"address", caller.address},
                               {"agent", enrol.agent}});
    return nack(name.error());
  }
  ++metrics_.enrolments;
  log_info(caller.allowed ? "key_announced" : "enrolled",
           {{"user", *name}, {"address", caller.address}, {"agent", enrol.agent}});
  const auto server = schema::read_curve_key(server_key_file(keys_));
  if (!server) {
    log_error("server_key_unreadable", {{"error", server.error()}});
    return nack({EnrolFault::kFolder, server.error()});
  }
  return schema::Enrolled{*name, server->public_key, next_server_key(keys_)};
}

}  // namespace strop::collector
