// Puts lives into a store, as if an agent had sent them.
//
// Errors: the store's, thrown.
#pragma once

#include <cstdint>
#include <string>

#include "collector/life.h"
#include "collector/store/sqlite_store.h"

namespace strop::collector {

inline StreamKey stream_key(std::uint8_t number) {
  StreamKey key;
  key.install.fill(number);
  key.epoch.fill(number);
  return key;
}

// As the only stream of the install `number`, from sequence number 1 on.
inline BatchResult fill(const std::string& file, std::uint8_t number, const Life& life) {
  SqliteStore store(file, StoreAccess::kReceiver);
  const StreamKey key = stream_key(number);
  const OpenStream stream =
      store.open_stream(key, {life.contributor(), life.contributor()}, "test", 1, 1).value();
  PendingBatch batch{stream.id, key, life.contributor(), {}};
  for (const schema::Event& event : life.events()) {
    Entry entry;
    entry.seq = batch.entries.size() + 1;
    entry.payload = schema::event_to_json(event).dump();
    entry.hash = entry.payload;
    entry.type = schema::type_name(event);
    entry.suggestion = event.suggestion;
    entry.t_ms = event.t_ms;
    batch.entries.push_back(std::move(entry));
  }
  return store.commit({batch}, 1).at(0);
}

}  // namespace strop::collector
