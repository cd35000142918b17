#include "trainer/prefix_cache.h"

#include <algorithm>

#include "trainer/model/kv_cache.h"

namespace strop::trainer {
namespace {

std::size_t common_length(std::span<const TokenId> a, std::span<const TokenId> b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                                  a.begin());
}

}  // namespace

KvCache PrefixCache::find(std::span<const TokenId> tokens, std::size_t most) {
  auto best = entries_.end();
  std::size_t length = 0;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    const std::size_t common = std::min(common_length(entry->tokens, tokens), most);
    if (common <= length) continue;
    length = common;
    best = entry;
  }
  if (best == entries_.end()) return {};
  if (length == best->tokens.size()) {  // it will come back longer
    KvCache out = std::move(best->cache);
    drop(best);
    return out;
  }
  entries_.splice(entries_.begin(), entries_, best);
  const auto positions = static_cast<std::int64_t>(length);
  return copy_of(best->cache, positions, roomy(static_cast<std::int64_t>(tokens.size())));
}

void PrefixCache::keep(std::vector<TokenId> tokens, KvCache cache) {
  const std::size_t bytes = bytes_of(cache);
  if (tokens.empty() || bytes > most_bytes_) return;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto here = entry++;
    const std::size_t common = common_length(here->tokens, tokens);
    if (common == tokens.size()) {  // known, and perhaps more than that
      entries_.splice(entries_.begin(), entries_, here);
      return;
    }
    if (common == here->tokens.size()) drop(here);
  }
  entries_.push_front({std::move(tokens), std::move(cache), bytes});
  bytes_ += bytes;
  drop_oldest();
}

void PrefixCache::set_most_bytes(std::size_t most_bytes) {
  most_bytes_ = most_bytes;
  drop_oldest();
}

void PrefixCache::drop(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  entries_.erase(entry);
}

void PrefixCache::drop_oldest() {
  while (bytes_ > most_bytes_) drop(std::prev(entries_.end()));
}

}  // namespace strop::trainer
