#include "trainer/tokenizer/merger.h"

#include <limits>
#include <queue>

namespace strop::trainer {
namespace {

constexpr std::size_t kShort = 32;  // bytes up to which looking at every pair again is faster

std::uint64_t pair_key(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
         static_cast<std::uint32_t>(right);
}

}  // namespace

void Merger::add(TokenId left, TokenId right, std::int32_t rank, TokenId result) {
  rules_.insert_or_assign(pair_key(left, right), Rule{rank, result});
}

const Merger::Rule* Merger::rule(TokenId left, TokenId right) const {
  const auto found = rules_.find(pair_key(left, right));
  return found == rules_.end() ? nullptr : &found->second;
}

void Merger::merge(std::string_view piece, std::vector<TokenId>& out) const {
  if (piece.size() <= kShort)
    merge_short(piece, out);
  else
    merge_long(piece, out);
}

void Merger::merge_short(std::string_view piece, std::vector<TokenId>& out) const {
  constexpr std::int32_t kNever = std::numeric_limits<std::int32_t>::max();
  const Rule never{kNever, 0};
  std::array<TokenId, kShort> ids{};
  std::array<Rule, kShort> rules{};  // rules[i] joins ids[i] and ids[i + 1]
  std::size_t size = 0;
  for (const char c : piece) ids[size++] = byte_ids_[static_cast<unsigned char>(c)];
  const auto look = [&](std::size_t i) {
    const Rule* found = i + 1 < size ? rule(ids[i], ids[i + 1]) : nullptr;
    rules[i] = found == nullptr ? never : *found;
  };
  for (std::size_t i = 0; i < size; ++i) look(i);
  while (size > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < size; ++i)
      if (rules[i].rank < rules[best].rank) best = i;
    if (rules[best].rank == kNever) break;
    ids[best] = rules[best].result;
    --size;
    for (std::size_t i = best + 1; i < size; ++i) {
      ids[i] = ids[i + 1];
      rules[i] = rules[i + 1];
    }
    look(best);
    if (best > 0) look(best - 1);
  }
  out.insert(out.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(size));
}

void Merger::merge_long(std::string_view piece, std::vector<TokenId>& out) const {
  constexpr std::size_t kEnd = std::numeric_limits<std::size_t>::max();
  struct Node {
    TokenId id;
    std::size_t previous;
    std::size_t next;
  };
  struct Candidate {
    std::int32_t rank;
    std::size_t at;
    TokenId left;
    TokenId right;
    TokenId result;
    bool operator<(const Candidate& other) const {  // the queue's top: lowest rank, leftmost
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };
  std::vector<Node> nodes;
  nodes.reserve(piece.size());
  for (std::size_t i = 0; i < piece.size(); ++i)
    nodes.push_back({byte_ids_[static_cast<unsigned char>(piece[i])], i == 0 ? kEnd : i - 1,
                     i + 1 == piece.size() ? kEnd : i + 1});
  std::priority_queue<Candidate> queue;
  const auto offer = [&](std::size_t at) {
    const std::size_t next = nodes[at].next;
    if (next == kEnd) return;
    if (const Rule* found = rule(nodes[at].id, nodes[next].id))
      queue.push({found->rank, at, nodes[at].id, nodes[next].id, found->result});
  };
  for (std::size_t i = 0; i < nodes.size(); ++i) offer(i);
  constexpr TokenId kGone = -1;
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    Node& left = nodes[top.at];
    if (left.id != top.left || left.next == kEnd || nodes[left.next].id != top.right) continue;
    Node& right = nodes[left.next];
    left.id = top.result;
    left.next = right.next;
    right.id = kGone;
    if (left.next != kEnd) nodes[left.next].previous = top.at;
    offer(top.at);
    if (left.previous != kEnd) offer(left.previous);
  }
  for (std::size_t i = 0; i != kEnd; i = nodes[i].next) out.push_back(nodes[i].id);
}

}  // namespace strop::trainer
