// What the tests of stores share: entries as the intake makes them, and a store to put them into.
//
// One thread. Errors: the store's, thrown.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "collector/store/open_store.h"

namespace strop::collector {

inline StreamKey key_of(int install, int epoch) {
  StreamKey key;
  key.install.fill(static_cast<std::uint8_t>(install));
  key.epoch.fill(static_cast<std::uint8_t>(epoch));
  return key;
}

inline Entry event(std::uint64_t seq, const std::string& payload) {
  Entry entry;
  entry.seq = seq;
  entry.hash = "hash of " + payload;
  entry.payload = payload;
  entry.type = "shown";
  entry.suggestion = "s" + std::to_string(seq);
  entry.t_ms = 1000.5;
  return entry;
}

inline Entry gap(std::uint64_t first, std::uint64_t last) {
  Entry entry = event(first, "gap to " + std::to_string(last));
  entry.span = static_cast<std::uint32_t>(last - first + 1);
  entry.type = "gap";
  entry.gap = true;
  return entry;
}

inline Entry forgotten(std::uint64_t first, std::uint64_t last) {
  Entry entry = gap(first, last);
  entry.erases = true;
  return entry;
}

inline Entry dead(std::uint64_t seq, schema::RejectCode code) {
  Entry entry = event(seq, "dead");
  entry.rejected = code;
  entry.reason = "because";
  return entry;
}

// Whatever the kind of store is: `location` is what --store would be.
class AnyStoreTest : public testing::Test {
 protected:
  virtual std::string location() = 0;
  void reopen() {
    store_.reset();
    store_ = open_store(location(), StoreAccess::kReceiver);
  }

  OpenStream open(const StreamKey& key, std::uint64_t first_held = 1) {
    return store_->open_stream(key, {"anna", "c1"}, "agent", first_held, 5).value();
  }
  BatchResult put(const StreamKey& key, std::vector<Entry> entries) {
    return store_->commit({{open(key).id, key, "c1", std::move(entries)}}, 7).at(0);
  }
  std::vector<std::string> payloads() {
    std::vector<std::string> out;
    store_->scan(0, [&](const StoredEvent& row) {
      out.push_back(row.payload);
      return true;
    });
    return out;
  }
  LedgerRow ledger() { return store_->ledger(std::nullopt).at(0); }

  std::unique_ptr<Store> store_;
  const StreamKey stream_ = key_of(1, 2);
};

}  // namespace strop::collector
