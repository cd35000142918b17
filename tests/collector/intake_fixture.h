// What tests of the intake share: a store in memory that fails or is slow when told to, and one
// agent's words.
//
// A test's own. One thread, and the intake's that commits.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>

#include "collector/intake.h"

namespace strop::collector::test {

using schema::Batch;
using schema::Frame;
using schema::Hello;
using schema::Nack;
using schema::NackCode;

inline schema::WireId id_of(int value) {
  schema::WireId id{};
  id.fill(static_cast<std::uint8_t>(value));
  return id;
}

inline const schema::WireId kInstall = id_of(1);
inline const schema::WireId kEpoch = id_of(2);

// A store in memory, which fails when told to.
class FakeStore : public Store {
 public:
  tl::expected<OpenStream, OpenFault> open_stream(const StreamKey& key, const Sender& sender,
                                                  const std::string&, std::uint64_t first_held,
                                                  std::int64_t) override {
    fail_if_told();
    if (quarantined) return tl::unexpected(OpenFault::kQuarantined);
    if (auto owner = owners.try_emplace(key.install, sender.user).first;
        owner->second != sender.user)
      return tl::unexpected(OpenFault::kWrongInstall);
    OpenStream out;
    auto found = ids.try_emplace(key, static_cast<std::int64_t>(ids.size() + 1)).first;
    out.id = found->second;
    std::uint64_t& through = durable[out.id];
    if (first_held > through + 1) {
      out.lost = first_held - 1 - through;
      through = first_held - 1;
    }
    out.durable_through = through;
    return out;
  }
  std::vector<BatchResult> commit(const std::vector<PendingBatch>& batches, std::int64_t) override {
    ++commits;
    if (slow.valid()) slow.wait();
    fail_if_told();
    std::vector<BatchResult> results;
    for (const PendingBatch& batch : batches) {
      if (quarantined) {
        results.push_back({.quarantined = true});
        continue;
      }
      std::uint64_t& through = durable[batch.stream];
      for (const Entry& entry : batch.entries) {
        EXPECT_LE(entry.seq, through + 1);
        through = std::max(through, entry.seq + entry.span - 1);
        stored.push_back(entry);
      }
      results.push_back({.durable_through = through, .stored = batch.entries.size()});
    }
    return results;
  }
  void clear_log() override { ++clearings; }
  void probe(std::uint64_t bytes) override {
    fail_if_told();
    if (bytes > room) throw StoreError(StoreFault::kFull, "no room");
  }
  void scan(std::int64_t, const std::function<bool(const StoredEvent&)>&) override {}
  void scan_suggestions(const std::function<bool(const std::vector<StoredEvent>&)>&) override {}
  std::vector<LedgerRow> ledger(const std::optional<schema::WireId>&) override { return {}; }
  void dead_letters(const std::function<bool(const DeadLetter&)>&) override {}
  void hold_view() override {}
  Forgotten forget(const std::vector<schema::WireId>&, std::int64_t) override { return {}; }
  bool replay(const DeadLetter&, const Entry&) override { return false; }
  Expired expire(std::int64_t before_ms, std::int64_t after, std::size_t) override {
    expiries.push_back({before_ms, after});
    return {1, 0, 0, after + 1, expiries.size() % 3 == 0};
  }
  bool readmit(const schema::WireId&) override { return false; }
  std::int64_t note_export(const ExportRecord&) override { return 0; }
  void drop_export(std::int64_t) override {}
  void set_size_limit(std::int64_t) override {}

  void fail_if_told() const {
    if (fault) throw StoreError(*fault, "told to fail");
  }

  std::map<StreamKey, std::int64_t> ids;
  std::map<schema::WireId, std::string> owners;
  std::map<std::int64_t, std::uint64_t> durable;
  std::vector<Entry> stored;
  std::optional<StoreFault> fault;
  std::shared_future<void> slow;  // a commit lasts until then
  std::uint64_t room = 1 << 30;   // of the disk, in bytes
  bool quarantined = false;
  int commits = 0;
  int clearings = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> expiries;  // before when, after which
};

inline std::string event(const std::string& suggestion = "s") {
  return R"({"v":1,"type":"shown","suggestion":")" + suggestion +
         R"(","t_ms":5,"source":"inline","presence":"rendered"})";
}

class IntakeTest : public testing::Test {
 protected:
  void say(const Frame& frame, const std::string& peer = "p1",
           const Caller& caller = {"anna", true}) {
    intake_.on_message(peer, caller, schema::encode(frame), now_);
  }
  void hello(const std::string& peer = "p1", const Caller& caller = {"anna", true}) {
    say(Hello{1, 1, kInstall, kEpoch, 1, 1, "test"}, peer, caller);
  }
  std::vector<Frame> answers() {
    std::vector<Frame> out;
    for (Answer& answer : intake_.flush(now_)) out.push_back(std::move(answer.frame));
    return out;
  }
  template <class T>
  T only() {
    auto all = answers();
    EXPECT_THAT(all, testing::SizeIs(1));
    return std::get<T>(all.at(0));
  }
  // Of two events, which ends with commit_may_end_.
  void open_and_begin_a_slow_commit() {
    hello();
    answers();
    store_.slow = commit_may_end_.get_future().share();
    say(batch(1, 2));
    EXPECT_THAT(intake_.advance(now_), testing::IsEmpty());
  }
  static Batch batch(std::uint64_t first, std::size_t count) {
    Batch out{kEpoch, first, {}};
    for (std::size_t i = 0; i < count; ++i) out.records.push_back({1, event()});
    return out;
  }
  NackCode code() { return only<Nack>().code; }

  std::promise<void> commit_may_end_;
  FakeStore store_;
  Metrics metrics_;
  IntakeLimits limits_;
  std::int64_t now_ = 1000;
  Intake intake_{store_, [](const auto& user, const auto&) { return "c-" + user; },
                 [](nlohmann::json&) { return std::size_t{0}; }, metrics_,
                 IntakeLimits{.credits_per_peer = 4000,
                              .credits_floor = 1000,
                              .credits_in_all = 8000,
                              .storage_retry_ms = 1234,
                              .streams_per_peer = 3,
                              .peers = 4}};
};

}  // namespace strop::collector::test
