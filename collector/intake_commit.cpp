// Intake, from the commit on: what it starts, and the answers once it has ended.
#include <algorithm>
#include <utility>

#include "collector/intake.h"
#include "collector/log.h"
#include "collector/refusal.h"

namespace strop::collector {
namespace {

using schema::NackCode;
using schema::to_hex;

constexpr std::uint32_t kQuickRetryMs = 100;
// One commit holds about so much.
constexpr std::size_t kRoundMessages = 512;
constexpr std::uint64_t kRoundBytes = 8 << 20;

// About what they take on disk.
std::uint64_t bytes_of(const std::vector<PendingBatch>& batches) {
  constexpr std::uint64_t kRowOverhead = 512;
  std::uint64_t bytes = 0;
  for (const PendingBatch& batch : batches)
    for (const Entry& entry : batch.entries)
      bytes += entry.payload.size() + entry.suggestion.size() + entry.reason.size() + kRowOverhead;
  return bytes;
}

}  // namespace

// Of the commit that has ended; none if it came to nothing.
std::vector<BatchResult> Intake::results_of_commit() {
  try {
    Committed committed = committer_.take();
    note_success();
    metrics_.commit_times.note(static_cast<std::uint64_t>(committed.took.count()));
    return std::move(committed.results);
  } catch (const StoreError& error) {
    if (error.fault() == StoreFault::kCorrupt) throw;
    unstored_bytes_ = bytes_of(under_way_.batches);
    note_failure(error);
    return {};
  }
}

void Intake::refuse_slot(Slot& slot, const Round& round, NackCode code,
                         std::uint32_t retry_after_ms, const std::string& reason) {
  const Stream& stream = *slot.stream;
  const std::vector<Entry>& entries = round.batches[slot.batch].entries;
  const std::uint64_t first_seq =
      entries.empty() ? stream.durable_through + 1 : entries.front().seq;
  ++metrics_.nacked[static_cast<std::size_t>(code) % kMaxCode];
  slot.frame =
      schema::Nack{stream.key.epoch, first_seq, is_permanent(code), code, retry_after_ms, reason};
}

// What was taken in the meantime goes the way of what went before it.
void Intake::refuse_next(const std::function<bool(const StreamKey&)>& which, NackCode code,
                         std::uint32_t retry_after_ms, const std::string& reason) {
  for (Slot& slot : next_.slots) {
    if (!slot.stream || !which(slot.stream->key)) continue;
    refuse_slot(slot, next_, code, retry_after_ms, reason);
    slot.stream->pending_through = slot.stream->durable_through;
    slot.stream = nullptr;
    next_.batches[slot.batch].entries.clear();
  }
}

// Turns a batch's place in the order into its ACK, or into a NACK when the commit failed.
void Intake::settle(Slot& slot, const std::vector<BatchResult>& results) {
  constexpr const char* kCannotWrite = "the collector cannot write now";
  constexpr const char* kMissing = "an earlier batch is missing in the store";
  constexpr const char* kCloned = "this install was seen on two machines; begin a new one";
  const StreamKey& key = slot.stream->key;
  if (results.empty()) {
    slot.stream->pending_through = slot.stream->durable_through;
    return refuse_slot(slot, under_way_, NackCode::kStorage, limits_.storage_retry_ms,
                       kCannotWrite);
  }
  const BatchResult& result = results[slot.batch];
  if (result.quarantined) {
    const auto of_install = [&](const StreamKey& other) { return other.install == key.install; };
    refuse_slot(slot, under_way_, NackCode::kQuarantined, 0, kCloned);
    refuse_next(of_install, NackCode::kQuarantined, 0, kCloned);
    log_error("quarantined", {{"install", to_hex(key.install)}});
    return close_streams(of_install);
  }
  if (result.hole) {
    // The store is behind what it said before: it was restored. With its next HELLO the agent is
    // told where to go on.
    log_warn("store_fell_back", {{"install", to_hex(key.install)},
                                 {"durable_through", std::to_string(result.durable_through)}});
    const auto this_one = [&](const StreamKey& other) { return other == key; };
    refuse_slot(slot, under_way_, NackCode::kOutOfOrder, kQuickRetryMs, kMissing);
    slot.stream->durable_through = slot.stream->pending_through = result.durable_through;
    refuse_next(this_one, NackCode::kOutOfOrder, kQuickRetryMs, kMissing);
    return close_streams(this_one);
  }
  metrics_.events_stored += result.stored;
  metrics_.events_duplicate += result.duplicates;
  metrics_.events_erased += result.erased;
  slot.stream->durable_through = result.durable_through;  // other collectors may have gone on
  slot.stream->pending_through =
      std::max(slot.stream->pending_through, slot.stream->durable_through);
  auto& ack = std::get<schema::Ack>(slot.frame);
  ack.durable_through = slot.stream->durable_through;
  ack.credits = credits();
}

// On all connections; the next HELLO is told why.
void Intake::close_streams(const std::function<bool(const StreamKey&)>& which) {
  for (auto& [name, peer] : peers_)
    std::erase_if(peer.streams, [&](const auto& entry) { return which(entry.second->key); });
}

void Intake::hand_out(std::vector<Slot>& slots, std::vector<Answer>& answers) {
  for (Slot& slot : slots) answers.push_back({std::move(slot.peer), std::move(slot.frame)});
  slots.clear();
}

// The answers of the commit that has ended.
std::vector<Answer> Intake::settle() {
  const std::vector<BatchResult> results = results_of_commit();
  for (Slot& slot : under_way_.slots) {
    if (auto peer = peers_.find(slot.peer); peer != peers_.end())
      peer->second.pending_bytes -= std::min(peer->second.pending_bytes, slot.bytes);
    if (slot.stream) settle(slot, results);
  }
  // Behind what was not stored would be a hole.
  if (results.empty())
    refuse_next([](const StreamKey&) { return true; }, NackCode::kStorage, limits_.storage_retry_ms,
                "the collector cannot write now");
  std::vector<Answer> answers;
  hand_out(under_way_.slots, answers);
  under_way_ = {};
  return answers;
}

std::vector<Answer> Intake::advance(std::int64_t now_ms) {
  std::vector<Answer> answers;
  if (committer_.running()) {
    if (!committer_.done()) return answers;
    answers = settle();
  }
  if (next_.batches.empty()) {
    hand_out(next_.slots, answers);
    return answers;
  }
  under_way_ = std::exchange(next_, {});
  committer_.start(under_way_.batches, now_ms);
  return answers;
}

std::vector<Answer> Intake::flush(std::int64_t now_ms) {
  std::vector<Answer> answers = advance(now_ms);
  while (committer_.running()) {
    committer_.wait();
    for (Answer& answer : advance(now_ms)) answers.push_back(std::move(answer));
  }
  return answers;
}

bool Intake::full() const {
  return next_.slots.size() >= kRoundMessages || next_.bytes >= kRoundBytes;
}

}  // namespace strop::collector
