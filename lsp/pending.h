// Requests that wait for their answer, of one direction: a relay keeps one table for each.
//
// Owns the entries. One thread, or a lock of the caller's. Bounded: when full, the oldest entry
// makes room, is handed back and counted. Register a request before it is sent, so that its answer
// cannot come first. No errors: an unknown id is nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "lsp/message.h"

namespace strop::lsp {

template <class Payload>
class PendingRequests {
 public:
  struct Entry {
    MessageId id;
    std::string method;
    Payload payload{};
    bool cancelled = false;  // its answer is still to come, as the protocol demands
  };

  explicit PendingRequests(std::size_t capacity = 4096) : capacity_(capacity == 0 ? 1 : capacity) {}

  // Gives the entry that had to go: one of the same id, else the oldest when the table is full.
  std::optional<Entry> add(MessageId id, std::string method, Payload payload) {
    std::optional<Entry> displaced = take(id);
    if (!displaced && order_.size() == capacity_) displaced = take(MessageId(order_.front().id));
    if (displaced) ++displaced_;
    order_.push_back({id, std::move(method), std::move(payload)});
    by_id_.emplace(std::move(id), std::prev(order_.end()));
    return displaced;
  }

  // The answer has come: the entry, no longer pending.
  std::optional<Entry> take(const MessageId& id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return std::nullopt;
    std::optional<Entry> entry(std::move(*found->second));
    order_.erase(found->second);
    by_id_.erase(found);
    return entry;
  }

  // $/cancelRequest: marks the entry. False: nothing of that id is pending.
  bool cancel(const MessageId& id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return false;
    found->second->cancelled = true;
    return true;
  }

  const Entry* find(const MessageId& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : &*found->second;
  }

  // All entries, oldest first, none of them pending afterwards: for the end of a connection.
  std::list<Entry> take_all() {
    by_id_.clear();
    return std::exchange(order_, {});
  }

  std::size_t size() const { return order_.size(); }
  std::uint64_t displaced() const { return displaced_; }  // entries that add() made go

 private:
  std::size_t capacity_;
  std::uint64_t displaced_ = 0;
  std::list<Entry> order_;
  std::unordered_map<MessageId, typename std::list<Entry>::iterator, MessageIdHash> by_id_;
};

}  // namespace strop::lsp
