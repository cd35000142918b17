#include "agent/shipment.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace strop::agent {
namespace {

constexpr std::chrono::milliseconds kLockPatience{20};
// Below the collector's own limit of streams on one connection.
constexpr std::size_t kMaxStreams = 1000;

std::string code_word(schema::RejectCode code) {
  const std::string_view word = schema::to_word(code);
  return word.empty() ? "code_" + std::to_string(static_cast<int>(code)) : std::string(word);
}

}  // namespace

Shipment::Shipment(ShipmentOptions options)
    : options_(std::move(options)), spool_(spool_folder(options_.state)) {}

bool Shipment::look(bool all) {
  all_due_ = all_due_ || all;
  std::error_code error;
  if (!std::filesystem::exists(spool_, error)) return true;
  const auto lock = lock_spool(spool_, FileLock::Kind::kShared, kLockPatience);
  if (!lock) return false;
  std::string forgotten = read_from(forgotten_file(spool_)).value_or("");
  const bool anew = all_due_ || forgotten != forgotten_;
  all_due_ = false;
  forgotten_ = std::move(forgotten);
  const std::vector<schema::WireId> epochs = list_epochs(spool_);
  std::erase_if(streams_, [&epochs](const auto& stream) {
    return stream.second.outstanding == 0 &&
           !std::binary_search(epochs.begin(), epochs.end(), stream.first);
  });
  for (const schema::WireId& id : epochs) {
    const auto known = streams_.find(id);
    if (known != streams_.end()) {
      all_due_ = !refresh(known->second, anew) || all_due_;
      continue;
    }
    if (streams_.size() >= kMaxStreams) continue;
    SpoolEpoch epoch = SpoolEpoch::load(spool_, id);
    if (epoch.foreign() || epoch.segments().empty()) continue;
    start_over(streams_.emplace(id, Stream(std::move(epoch))).first->second);
  }
  return true;
}

// False: the state is not read anew, as ours is not on disk yet.
bool Shipment::refresh(Stream& stream, bool forgotten) {
  const std::vector<SegmentFile> before = stream.epoch.segments();
  const bool lived = stream.epoch.live();
  if (!lived && !forgotten && stream.exhausted) return true;
  if (forgotten && !stream.changed) {
    const std::uint64_t generation = stream.epoch.state().generation;
    stream.epoch.reload(true);
    if (stream.epoch.state().generation != generation) stream.rewinding = true;
    // Segments may have been written anew.
    stream.cursor = {stream.cursor.next_seq, 0, 0};
  } else {
    stream.epoch.reload(false);
  }
  if (stream.epoch.segments() != before || stream.epoch.live() != lived) stream.exhausted = false;
  return !(forgotten && stream.changed);
}

// Sends from the first number on that was not acknowledged.
void Shipment::start_over(Stream& stream) {
  const EpochState& state = stream.epoch.state();
  stream.cursor = {};
  stream.cursor.next_seq = std::max(state.acked_through, state.folded_through) + 1;
  stream.rewinding = false;
  stream.exhausted = false;
}

void Shipment::connected(double now_ms) {
  for (auto& [id, stream] : streams_) {
    stream.hello_sent = stream.open = stream.dead = false;
    stream.outstanding = 0;
    stream.retry_at_ms = 0;
    start_over(stream);
  }
  sent_.clear();
  sent_bytes_ = 0;
  credits_ = 0;
  max_batch_ = options_.max_batch;
  welcomed_ = false;
  heard_ms_ = spoke_ms_ = now_ms;
  refused_ms_ = 0;
}

std::vector<std::string> Shipment::to_send(double now_ms) {
  std::vector<std::string> out;
  for (auto& [id, stream] : streams_) {
    if (stream.hello_sent || stream.dead || now_ms < stream.retry_at_ms) continue;
    const EpochState& state = stream.epoch.state();
    out.push_back(schema::encode(
        schema::Hello{schema::kWireVersionMin, schema::kWireVersionMax, options_.install, id,
                      stream.epoch.first_held(),
                      std::max(state.acked_through, state.folded_through) + 1, options_.agent}));
    stream.hello_sent = true;
  }
  if (welcomed_ && !all_due_) send_batches(out, now_ms);
  if (out.empty() && welcomed_ && now_ms - spoke_ms_ >= heartbeat_ms_)
    out.push_back(schema::encode(schema::Ping{++pings_}));
  if (!out.empty()) spoke_ms_ = now_ms;
  return out;
}

// Something is always allowed when nothing is unanswered.
bool Shipment::may_send(std::size_t bytes) const {
  return sent_.empty() || sent_bytes_ + bytes <= credits_;
}

void Shipment::send_batches(std::vector<std::string>& out, double now_ms) {
  std::optional<FileLock> lock;
  for (auto& [id, stream] : streams_) {
    if (stream.rewinding && stream.outstanding == 0 && now_ms >= stream.retry_at_ms)
      start_over(stream);
    while (stream.open && !stream.dead && !stream.rewinding && !stream.exhausted &&
           now_ms >= stream.retry_at_ms && may_send(max_batch_)) {
      if (!lock) {
        auto had = lock_spool(spool_, FileLock::Kind::kShared, kLockPatience);
        if (!had) return;
        lock = std::move(*had);
      }
      auto records = stream.epoch.next_records(stream.cursor, max_batch_);
      if (!records) {
        stream.exhausted = true;
        break;
      }
      counts_.shipped += records->records.size();
      sent_.push_back({id, records->first_seq, records->last_seq, records->bytes,
                       stream.epoch.state().generation});
      sent_bytes_ += records->bytes;
      ++stream.outstanding;
      out.push_back(
          schema::encode(schema::Batch{id, records->first_seq, std::move(records->records)}));
    }
  }
}

std::optional<Shipment::Sent> Shipment::answered(const schema::WireId& epoch,
                                                 std::uint64_t first_seq) {
  if (sent_.empty() || sent_.front().epoch != epoch) return std::nullopt;
  if (first_seq != 0 && sent_.front().first_seq != first_seq) return std::nullopt;
  Sent sent = sent_.front();
  sent_.pop_front();
  sent_bytes_ -= sent.bytes;
  if (const auto found = streams_.find(epoch); found != streams_.end()) --found->second.outstanding;
  return sent;
}

Shipment::Verdict Shipment::on_frame(const schema::Frame& frame, double now_ms) {
  heard_ms_ = now_ms;
  if (const auto* welcome = std::get_if<schema::Welcome>(&frame)) return on(*welcome, now_ms);
  if (const auto* ack = std::get_if<schema::Ack>(&frame)) return on(*ack, now_ms);
  if (const auto* nack = std::get_if<schema::Nack>(&frame)) return on(*nack, now_ms);
  return std::holds_alternative<schema::Pong>(frame) ? Verdict::kGoOn : Verdict::kReconnect;
}

Shipment::Verdict Shipment::on(const schema::Welcome& welcome, double) {
  const auto found = streams_.find(welcome.epoch);
  if (found == streams_.end()) return Verdict::kGoOn;
  Stream& stream = found->second;
  EpochState& state = stream.epoch.state();
  // It knows less than it once acknowledged: restored from a backup. What is above is sent again,
  // as far as it is still held.
  if (welcome.durable_through < state.acked_through) {
    spdlog::warn("uplink: the collector has epoch {} up to {} only, not {}: sent again",
                 schema::to_hex(welcome.epoch), welcome.durable_through, state.acked_through);
    state.acked_through = std::max(welcome.durable_through, state.folded_through);
    state.rejected.erase(state.rejected.upper_bound(state.acked_through), state.rejected.end());
    state.acked_ms.clear();
    stream.changed = true;
  }
  // What it has without our having seen the answer is sent again too: the answer says what of it
  // was rejected.
  start_over(stream);
  stream.open = true;
  welcomed_ = true;
  trouble_.clear();
  credits_ = welcome.credits;
  heartbeat_ms_ = welcome.heartbeat_ms;
  max_batch_ = std::min<std::size_t>(
      options_.max_batch, std::min<std::size_t>(welcome.max_batch, schema::kMaxMessageBytes));
  return Verdict::kGoOn;
}

Shipment::Verdict Shipment::on(const schema::Ack& ack, double) {
  const auto sent = answered(ack.epoch, 0);
  if (!sent) return Verdict::kReconnect;
  credits_ = ack.credits;
  refused_ms_ = 0;
  trouble_.clear();
  const auto found = streams_.find(ack.epoch);
  if (found == streams_.end()) return Verdict::kGoOn;
  Stream& stream = found->second;
  EpochState& state = stream.epoch.state();
  // Of what was sent before something was forgotten nothing is concluded.
  if (stream.rewinding || sent->generation != state.generation) return Verdict::kGoOn;
  const std::uint64_t through = std::min(ack.durable_through, sent->last_seq);
  for (const schema::Rejected& one : ack.rejected) {
    if (one.seq < sent->first_seq || one.seq > through || one.seq <= state.folded_through) continue;
    counts_.rejected += state.rejected.emplace(one.seq, code_word(one.code)).second ? 1 : 0;
    stream.changed = true;
  }
  if (through <= state.acked_through) return Verdict::kGoOn;
  counts_.acked += through - state.acked_through;
  state.acked_through = through;
  stream.changed = true;
  return Verdict::kGoOn;
}

Shipment::Verdict Shipment::on(const schema::Nack& nack, double now_ms) {
  const bool of_batch = nack.first_seq != 0 && answered(nack.epoch, nack.first_seq).has_value();
  const std::string word(schema::to_word(nack.code));
  const std::string what =
      "the collector refuses (" + (word.empty() ? "unknown" : word) + "): " + nack.reason;
  const auto found = streams_.find(nack.epoch);
  if ((nack.code == schema::NackCode::kStorage || nack.code == schema::NackCode::kDraining) &&
      refused_ms_ == 0)
    refused_ms_ = now_ms;
  if (nack.permanent) {
    note_trouble(what);
    const bool of_stream = nack.code == schema::NackCode::kBadFrame && found != streams_.end();
    if (!of_stream) return Verdict::kRefused;
    found->second.dead = true;
    return Verdict::kGoOn;
  }
  if (nack.code != schema::NackCode::kHelloFirst && nack.code != schema::NackCode::kOutOfOrder &&
      nack.code != schema::NackCode::kNoCredit)
    note_trouble(what);
  if (found == streams_.end()) {
    // The collector has forgotten the whole connection.
    for (auto& [id, stream] : streams_) stream.hello_sent = stream.open = false;
    return nack.code == schema::NackCode::kHelloFirst ? Verdict::kGoOn : Verdict::kReconnect;
  }
  Stream& stream = found->second;
  stream.retry_at_ms = std::max(stream.retry_at_ms, now_ms + nack.retry_after_ms);
  if (of_batch) stream.rewinding = true;
  if (!of_batch || nack.code == schema::NackCode::kHelloFirst)
    stream.hello_sent = stream.open = false;
  return Verdict::kGoOn;
}

// Once, until something else is wrong or all is well again.
void Shipment::note_trouble(const std::string& what) {
  if (what != trouble_) spdlog::warn("uplink: {}", what);
  trouble_ = what;
}

bool Shipment::fell_silent(double now_ms, int heartbeats) const {
  return welcomed_ && now_ms - heard_ms_ > heartbeats * heartbeat_ms_;
}

double Shipment::next_deadline(double now_ms) const {
  double next = std::numeric_limits<double>::infinity();
  if (welcomed_) next = spoke_ms_ + heartbeat_ms_;
  for (const auto& [id, stream] : streams_)
    if (!stream.dead && stream.retry_at_ms > now_ms) next = std::min(next, stream.retry_at_ms);
  return next;
}

bool Shipment::save() {
  const bool due = std::any_of(streams_.begin(), streams_.end(),
                               [](const auto& stream) { return stream.second.changed; });
  if (!due) return true;
  const auto lock = lock_spool(spool_, FileLock::Kind::kAlone, kLockPatience);
  if (!lock) return false;
  bool good = true;
  for (auto& [id, stream] : streams_) {
    if (!stream.changed) continue;
    // Another may have forgotten something, or tidied, since this was read.
    EpochState now = SpoolEpoch::load(spool_, id).state();
    EpochState& ours = stream.epoch.state();
    if (now.generation != ours.generation) {
      ours = std::move(now);
      stream.rewinding = true;
      stream.changed = false;
      continue;
    }
    now.acked_through = std::max(ours.acked_through, now.folded_through);
    now.rejected = ours.rejected;
    now.rejected.erase(now.rejected.begin(), now.rejected.upper_bound(now.folded_through));
    if (ours.acked_ms.empty()) now.acked_ms.clear();
    ours = std::move(now);
    stream.changed = !stream.epoch.save_state(false);
    good = good && !stream.changed;
  }
  return good;
}

}  // namespace strop::agent
