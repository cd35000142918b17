#include "collector/intake.h"

#include <algorithm>
#include <utility>

#include "collector/log.h"
#include "collector/refusal.h"

namespace strop::collector {
namespace {

using schema::NackCode;
using schema::to_hex;

constexpr int kHeartbeatsToLive = 3;
constexpr std::uint32_t kQuickRetryMs = 100;
constexpr std::int64_t kRetainEveryMs = 3'600'000;
constexpr std::int64_t kClockJumpMs = 300'000;
constexpr std::size_t kExpireAtOnce = 1000;
constexpr std::uint32_t kShutRetryMs = 60'000;  // until a person acts
// SQLite counts with a sign; no honest stream comes near.
constexpr std::uint64_t kLastSeq = std::uint64_t{1} << 62;

std::uint64_t bytes_of(const schema::Batch& batch) {
  std::uint64_t bytes = schema::kBatchOverheadBytes;
  for (const schema::Record& record : batch.records)
    bytes += schema::kRecordOverheadBytes + record.payload.size();
  return bytes;
}

}  // namespace

Intake::Intake(Store& store, Pseudonym pseudonym, Scrub scrub, Metrics& metrics,
               IntakeLimits limits)
    : store_(store),
      metrics_(metrics),
      pseudonym_(std::move(pseudonym)),
      scrub_(std::move(scrub)),
      limits_(limits),
      committer_(store) {}

void Intake::answer(const std::string& peer, schema::Frame frame) {
  next_.slots.push_back({peer, std::move(frame), nullptr, 0, 0});
}

void Intake::refuse(const std::string& peer, const schema::WireId& epoch, std::uint64_t first_seq,
                    NackCode code, std::uint32_t retry_after_ms, std::string reason) {
  ++metrics_.nacked[static_cast<std::size_t>(code) % kMaxCode];
  log_refusal(code, reason);
  reason.resize(std::min(reason.size(), schema::kMaxWireText));
  answer(peer, schema::Nack{epoch, first_seq, is_permanent(code), code, retry_after_ms, reason});
}

// At most a line a second for each code: whoever sends junk all day must not fill the disk.
void Intake::log_refusal(NackCode code, const std::string& reason) {
  const std::size_t index = static_cast<std::size_t>(code) % kMaxCode;
  if (!refusals_logged_[index].now(static_cast<double>(now_ms_))) return;
  log_warn("refused", {{"code", std::string(to_word(code))},
                       {"reason", reason},
                       {"user", speaking_ != nullptr ? speaking_->user : ""},
                       {"address", speaking_ != nullptr ? speaking_->address : ""},
                       {"so_far", std::to_string(metrics_.nacked[index])}});
}

void Intake::log_rejection(const Entry& entry) {
  const std::size_t index = static_cast<std::size_t>(*entry.rejected) % kMaxCode;
  if (!rejections_logged_[index].now(static_cast<double>(now_ms_))) return;
  log_warn("event_rejected", {{"code", std::string(to_word(*entry.rejected))},
                              {"user", speaking_ != nullptr ? speaking_->user : ""},
                              {"so_far", std::to_string(metrics_.rejected[index])}});
}

void Intake::on_message(const std::string& peer, const Caller& caller, std::string_view bytes,
                        std::int64_t now_ms) {
  speaking_ = &caller;
  now_ms_ = now_ms;
  const auto frame = schema::decode(bytes);
  if (auto known = peers_.find(peer); known != peers_.end()) known->second.last_heard_ms = now_ms;
  if (!frame) return on_undecodable(peer, frame.error());
  if (const auto* hello = std::get_if<schema::Hello>(&*frame))
    return on_frame(peer, caller, *hello, now_ms);
  if (const auto* batch = std::get_if<schema::Batch>(&*frame))
    return on_frame(peer, caller, *batch);
  if (const auto* ping = std::get_if<schema::Ping>(&*frame)) return on_ping(peer, *ping);
  if (const auto* enrol = std::get_if<schema::Enrol>(&*frame))
    return on_frame(peer, caller, *enrol);
  if (std::holds_alternative<schema::Bye>(*frame)) return forget(peer);
  refuse(peer, {}, 0, NackCode::kBadFrame, 0, "this frame goes from collector to agent only");
}

void Intake::on_misfit(const std::string& peer) {
  speaking_ = nullptr;
  refuse(peer, {}, 0, NackCode::kBadFrame, 0, "a message has exactly one part");
}

void Intake::on_undecodable(const std::string& peer, const schema::WireError& error) {
  NackCode code = NackCode::kBadFrame;
  if (error.fault == schema::WireFault::kVersion) code = NackCode::kVersion;
  if (error.fault == schema::WireFault::kChecksum) code = NackCode::kChecksum;
  refuse(peer, error.epoch.value_or(schema::WireId{}), error.first_seq, code,
         is_permanent(code) ? 0 : kQuickRetryMs, error.message);
}

void Intake::on_frame(const std::string& peer, const Caller& caller, const schema::Hello& hello,
                      std::int64_t now_ms) {
  // Another may have chosen the same routing id before.
  if (const auto before = peers_.find(peer);
      before != peers_.end() && before->second.user != caller.user)
    forget(peer);
  auto refuse_hello = [&](NackCode code, std::uint32_t retry_ms, const std::string& reason) {
    log_warn("hello_refused", {{"code", std::string(to_word(code))},
                               {"install", to_hex(hello.install)},
                               {"user", caller.user},
                               {"agent", hello.agent}});
    refuse(peer, hello.epoch, 0, code, retry_ms, reason);
  };
  if (shut_)
    return refuse_hello(NackCode::kStorage, kShutRetryMs, "the collector's store is damaged");
  if (!caller.allowed)
    return refuse_hello(NackCode::kUnauthorised, 0,
                        "this key is not on the collector's allow-list");
  const auto version = schema::common_version(hello);
  if (!version)
    return refuse_hello(NackCode::kVersion, 0,
                        "the collector speaks wire versions " +
                            std::to_string(schema::kWireVersionMin) + " to " +
                            std::to_string(schema::kWireVersionMax) + ", the agent " +
                            std::to_string(hello.version_min) + " to " +
                            std::to_string(hello.version_max) + "; update the older one");
  if (hello.first_held > kLastSeq)
    return refuse_hello(NackCode::kBadFrame, 0, "sequence number out of range");
  if (peers_.size() >= limits_.peers && !peers_.contains(peer))
    return refuse_hello(NackCode::kNoCredit, limits_.storage_retry_ms, "too many agents connected");
  if (!has_room(peer, caller, now_ms))
    return refuse(peer, hello.epoch, 0, NackCode::kNoCredit, limits_.storage_retry_ms,
                  "too many connections with this key");
  try {
    welcome(peer, caller, hello, *version, now_ms);
  } catch (const StoreError& error) {
    if (error.fault() == StoreFault::kCorrupt) throw;
    note_failure(error);
    refuse(peer, hello.epoch, 0, NackCode::kStorage, limits_.storage_retry_ms,
           "the collector cannot write now");
  }
}

// Whether the key may have one more connection. Those that are past a heartbeat are given up first:
// mostly the agent has gone and come back.
bool Intake::has_room(const std::string& peer, const Caller& caller, std::int64_t now_ms) {
  if (limits_.sessions_per_key == 0 || caller.key.empty() || peers_.contains(peer)) return true;
  const auto crowded = [&] {
    const auto found = sessions_.find(caller.key);
    return found != sessions_.end() && found->second >= limits_.sessions_per_key;
  };
  if (!crowded()) return true;
  const std::int64_t oldest = now_ms - std::int64_t{2} * limits_.heartbeat_ms;
  drop_peers([&](const std::string&, const Peer& other) {
    return other.key == caller.key && other.last_heard_ms < oldest;
  });
  if (!crowded()) return true;
  ++metrics_.sessions_refused;
  if (crowding_logged_.now(static_cast<double>(now_ms)))
    log_warn("session_refused", {{"user", caller.user},
                                 {"address", caller.address},
                                 {"connections", std::to_string(limits_.sessions_per_key)}});
  return false;
}

template <class Gone>
void Intake::drop_peers(Gone gone) {
  std::erase_if(peers_, [&](const auto& entry) {
    if (!gone(entry.first, entry.second)) return false;
    const auto sessions = sessions_.find(entry.second.key);
    if (sessions != sessions_.end() && --sessions->second == 0) sessions_.erase(sessions);
    return true;
  });
  metrics_.peers = peers_.size();
}

void Intake::welcome(const std::string& peer, const Caller& caller, const schema::Hello& hello,
                     std::uint8_t version, std::int64_t now_ms) {
  const StreamKey key{hello.install, hello.epoch};
  const Sender sender{caller.user, pseudonym_(caller.user, hello.install)};
  committer_.wait();
  const auto opened = store_.open_stream(key, sender, hello.agent, hello.first_held, now_ms);
  if (!opened) {
    const bool cloned = opened.error() == OpenFault::kQuarantined;
    log_warn("hello_refused", {{"code", cloned ? "quarantined" : "wrong_install"},
                               {"install", to_hex(hello.install)},
                               {"user", caller.user}});
    return refuse(peer, hello.epoch, 0, cloned ? NackCode::kQuarantined : NackCode::kWrongInstall,
                  0,
                  cloned ? "this install was seen on two machines; begin a new one"
                         : "this install belongs to another user's key");
  }
  if (opened->lost > 0) {
    metrics_.sequence_lost += opened->lost;
    log_warn("sequence_lost", {{"install", to_hex(hello.install)},
                               {"epoch", to_hex(hello.epoch)},
                               {"count", std::to_string(opened->lost)}});
  }
  const auto [place, fresh] = peers_.try_emplace(peer);
  Peer& state = place->second;
  if (fresh && !caller.key.empty()) {
    state.key = caller.key;
    ++sessions_[caller.key];
  }
  if (state.streams.size() >= limits_.streams_per_peer && !state.streams.contains(hello.epoch))
    return refuse(peer, hello.epoch, 0, NackCode::kNoCredit, limits_.storage_retry_ms,
                  "too many streams on one connection");
  auto stream = stream_of(key);
  if (!stream) {
    stream = std::make_shared<Stream>();
    stream->key = key;
    streams_[key] = stream;
  }
  stream->id = opened->id;
  stream->contributor = sender.contributor;
  stream->durable_through = opened->durable_through;
  stream->pending_through = std::max(stream->pending_through, stream->durable_through);
  state.user = caller.user;
  state.last_heard_ms = now_ms;
  state.streams[hello.epoch] = stream;
  metrics_.peers = peers_.size();
  metrics_.streams = streams_.size();
  answer(peer, schema::Welcome{version, hello.epoch, opened->durable_through, credits(),
                               static_cast<std::uint32_t>(schema::kMaxMessageBytes),
                               limits_.heartbeat_ms});
  log_info("hello", {{"install", to_hex(hello.install)},
                     {"epoch", to_hex(hello.epoch)},
                     {"user", caller.user},
                     {"agent", hello.agent},
                     {"durable_through", std::to_string(opened->durable_through)}});
}

void Intake::on_frame(const std::string& peer, const Caller& caller, const schema::Enrol& enrol) {
  if (!enrolling_)
    return refuse(peer, {}, 0, NackCode::kUnauthorised, 0,
                  "this collector has no keys, so none can be enrolled");
  schema::Frame said = enrolling_(caller, enrol);
  if (const auto* nack = std::get_if<schema::Nack>(&said))
    return refuse(peer, {}, 0, nack->code, nack->retry_after_ms, nack->reason);
  answer(peer, std::move(said));
}

void Intake::on_ping(const std::string& peer, const schema::Ping& ping) {
  if (peers_.contains(peer)) return answer(peer, schema::Pong{ping.token});
  refuse(peer, {}, 0, NackCode::kHelloFirst, 0, "no stream is open on this connection");
}

void Intake::on_frame(const std::string& peer, const Caller& caller, const schema::Batch& batch) {
  auto refuse_batch = [&](NackCode code, const std::string& reason) {
    refuse(peer, batch.epoch, batch.first_seq, code, 0, reason);
  };
  if (!caller.allowed)
    return refuse_batch(NackCode::kUnauthorised, "this key is no longer on the allow-list");
  auto state = peers_.find(peer);
  if (state == peers_.end() || state->second.user != caller.user)
    return refuse_batch(NackCode::kHelloFirst, "no stream is open on this connection");
  auto stream = state->second.streams.find(batch.epoch);
  if (stream == state->second.streams.end())
    return refuse_batch(NackCode::kHelloFirst, "this epoch is not open on this connection");
  if (admit(peer, state->second, *stream->second, batch))
    take(peer, state->second, stream->second, batch);
}

bool Intake::admit(const std::string& peer, const Peer& state, const Stream& stream,
                   const schema::Batch& batch) {
  auto refuse_batch = [&](NackCode code, std::uint32_t retry_ms, const std::string& reason) {
    refuse(peer, batch.epoch, batch.first_seq, code, retry_ms, reason);
    return false;
  };
  if (shut_)
    return refuse_batch(NackCode::kStorage, kShutRetryMs, "the collector's store is damaged");
  if (last_seq(batch) > kLastSeq)
    return refuse_batch(NackCode::kBadFrame, 0, "sequence number out of range");
  if (batch.first_seq > stream.pending_through + 1)
    return refuse_batch(NackCode::kOutOfOrder, storing_ ? kQuickRetryMs : limits_.storage_retry_ms,
                        "expected " + std::to_string(stream.pending_through + 1) + " next");
  if (state.pending_bytes > 0 && state.pending_bytes + bytes_of(batch) > credits())
    return refuse_batch(NackCode::kNoCredit, kQuickRetryMs, "more bytes unanswered than credits");
  return true;
}

void Intake::take(const std::string& peer, Peer& state, const std::shared_ptr<Stream>& stream,
                  const schema::Batch& batch) {
  PendingBatch pending{stream->id, stream->key, stream->contributor, {}};
  pending.entries.reserve(batch.records.size());
  schema::Ack ack{batch.epoch, 0, 0, {}};
  std::uint64_t seq = batch.first_seq;
  for (const schema::Record& record : batch.records) {
    Validated validated = validate(record, seq, scrub_);
    if (validated.secrets > 0) ++metrics_.events_scrubbed;
    if (validated.entry.rejected) {
      ack.rejected.push_back({seq, *validated.entry.rejected});
      ++metrics_.rejected[static_cast<std::size_t>(*validated.entry.rejected) % kMaxCode];
      log_rejection(validated.entry);
    }
    pending.entries.push_back(std::move(validated.entry));
    seq += record.span;
  }
  const std::uint64_t bytes = bytes_of(batch);
  ++metrics_.batches;
  metrics_.batch_bytes += bytes;
  state.pending_bytes += bytes;
  stream->pending_through = std::max(stream->pending_through, last_seq(batch));
  next_.slots.push_back({peer, std::move(ack), stream, next_.batches.size(), bytes});
  next_.batches.push_back(std::move(pending));
  next_.bytes += bytes;
}

void Intake::expire(std::int64_t now_ms) {
  const std::int64_t oldest = now_ms - std::int64_t{kHeartbeatsToLive} * limits_.heartbeat_ms;
  drop_peers([&](const std::string&, const Peer& peer) { return peer.last_heard_ms < oldest; });
  std::erase_if(streams_, [](const auto& stream) { return stream.second.expired(); });
  metrics_.streams = streams_.size();
  committer_.wait();
  store_.clear_log();
}

// A clock that has just jumped is not believed for an hour: it would have everything be old.
void Intake::retain(std::int64_t now_ms) {
  if (limits_.retention_ms == 0 || shut_) return;
  const bool jumped = now_ms < retained_ms_ || now_ms > retained_ms_ + kClockJumpMs;
  retained_ms_ = now_ms;
  if (jumped) retain_at_ms_ = now_ms + kRetainEveryMs;
  if (now_ms < retain_at_ms_) return;
  committer_.wait();
  try {
    const Expired gone =
        store_.expire(now_ms - limits_.retention_ms, retained_after_, kExpireAtOnce);
    metrics_.events_expired += gone.events + gone.dead_letters;
    retained_after_ = gone.done ? 0 : gone.after;
    if (gone.done) retain_at_ms_ = now_ms + kRetainEveryMs;
  } catch (const StoreError& error) {
    if (error.fault() == StoreFault::kCorrupt) throw;
    log_warn("retention_failed", {{"error", error.what()}});
    retain_at_ms_ = now_ms + kRetainEveryMs;
  }
}

void Intake::forget(const std::string& peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  const auto sessions = sessions_.find(found->second.key);
  if (sessions != sessions_.end() && --sessions->second == 0) sessions_.erase(sessions);
  peers_.erase(found);
  metrics_.peers = peers_.size();
}

std::vector<Answer> Intake::farewell() {
  std::vector<Answer> answers;
  for (const auto& [name, peer] : peers_) answers.push_back({name, schema::Bye{}});
  peers_.clear();
  sessions_.clear();
  return answers;
}

void Intake::probe() {
  if (shut_) return;
  committer_.wait();
  try {
    // A disk almost full takes a few bytes, and then again no batch.
    store_.probe(unstored_bytes_);
    note_success();
  } catch (const StoreError& error) {
    if (error.fault() == StoreFault::kCorrupt) throw;
    note_failure(error);
  }
}

// Logged once, not with every batch that meets the same full disk.
void Intake::note_failure(const StoreError& error) {
  ++metrics_.commit_failures;
  if (storing_) log_error("store_failed", {{"error", error.what()}});
  storing_ = false;
}

void Intake::note_success() {
  if (!storing_) log_info("store_recovered", {});
  storing_ = true;
  unstored_bytes_ = 0;
}

std::uint32_t Intake::credits() const {
  const std::uint64_t share = limits_.credits_in_all / std::max<std::size_t>(peers_.size(), 1);
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(share, limits_.credits_floor, limits_.credits_per_peer));
}

std::shared_ptr<Intake::Stream> Intake::stream_of(const StreamKey& key) {
  const auto found = streams_.find(key);
  return found == streams_.end() ? nullptr : found->second.lock();
}

}  // namespace strop::collector
