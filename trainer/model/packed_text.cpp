#include "trainer/model/packed_text.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace strop::trainer {
namespace {

using torch::Tensor;

constexpr float kNever = -std::numeric_limits<float>::infinity();

std::int64_t length_of(const PackedGroup& group) {
  return std::accumulate(group.completions.begin(), group.completions.end(), group.prompt);
}

// Sequences of all queries, or of those that are asked for.
class SequenceList {
 public:
  // `token`: the group's first one; `from`: its first query.
  void add(const PackedGroup& group, std::int64_t from, std::int64_t token) {
    const std::int64_t first =
        group.prompt + (group.completions.empty() ? 0 : group.completions.front());
    if (from < first) {
      add_keys(token, first);
      close(first - from, first);
    }
    std::int64_t begin = first;
    for (std::size_t i = 1; i < group.completions.size(); ++i) {
      const std::int64_t end = begin + group.completions[i];
      if (const std::int64_t asked = std::max(begin, from); asked < end) {
        add_keys(token, group.prompt);
        add_keys(token + begin, end - begin);
        close(end - asked, group.prompt + end - begin);
      }
      begin = end;
    }
  }

  // Of a text of so many tokens.
  PackedText::Sequences on(torch::Device device, std::int64_t tokens) const {
    std::vector<std::int64_t> all(static_cast<std::size_t>(tokens));
    std::iota(all.begin(), all.end(), 0);
    return {keys_ == all ? Tensor() : torch::tensor(keys_, torch::kInt64).to(device),
            torch::tensor(query_ends_, torch::kInt32).to(device),
            torch::tensor(key_ends_, torch::kInt32).to(device), most_queries_, most_keys_};
  }

 private:
  void add_keys(std::int64_t first, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) keys_.push_back(first + i);
  }
  void close(std::int64_t queries, std::int64_t keys) {
    query_ends_.push_back(query_ends_.back() + static_cast<std::int32_t>(queries));
    key_ends_.push_back(key_ends_.back() + static_cast<std::int32_t>(keys));
    most_queries_ = std::max(most_queries_, queries);
    most_keys_ = std::max(most_keys_, keys);
  }

  std::vector<std::int64_t> keys_;
  std::vector<std::int32_t> query_ends_{0};
  std::vector<std::int32_t> key_ends_{0};
  std::int64_t most_queries_ = 0;
  std::int64_t most_keys_ = 0;
};

}  // namespace

PackedText::PackedText(const std::vector<PackedGroup>& groups, torch::Device device)
    : triangle_(torch::full({kBlockRows, kBlockRows}, kNever).triu_(1).to(device)) {
  std::vector<std::int64_t> positions;
  std::vector<std::int64_t> asked;
  SequenceList sequences;
  SequenceList asked_sequences;
  for (const PackedGroup& group : groups) {
    const auto asked_begin = static_cast<std::int64_t>(asked.size());
    for (std::int64_t i = 0; i < group.prompt; ++i) positions.push_back(i);
    longest_ = std::max(longest_, group.prompt);
    for (const std::int64_t completion : group.completions) {
      longest_ = std::max(longest_, group.prompt + completion);
      for (std::int64_t i = 0; i < completion; ++i) positions.push_back(group.prompt + i);
    }
    const std::int64_t length = length_of(group);
    for (std::int64_t i = group.asked; i < length; ++i) asked.push_back(tokens_ + i);
    add_blocks(group, 0, tokens_, tokens_, blocks_);
    add_blocks(group, group.asked, asked_begin, tokens_, asked_blocks_);
    sequences.add(group, 0, tokens_);
    asked_sequences.add(group, group.asked, tokens_);
    tokens_ += length;
  }
  positions_ = torch::tensor(positions, torch::kInt64).to(device);
  if (asked.size() != positions.size()) asked_ = torch::tensor(asked, torch::kInt64).to(device);
  sequences_ = sequences.on(device, tokens_);
  asked_sequences_ = asked_sequences.on(device, tokens_);
}

c10::intrusive_ptr<PackedText> PackedText::on(torch::Device device,
                                              c10::intrusive_ptr<PackedText> text,
                                              bool by_sequences) {
  if (text->positions_.device() == device) return text;
  auto moved = c10::make_intrusive<PackedText>(*text);
  moved->positions_ = moved->positions_.to(device);
  if (moved->asked_.defined()) moved->asked_ = moved->asked_.to(device);
  for (Sequences* sequences : {&moved->sequences_, &moved->asked_sequences_})
    for (Tensor* tensor : {&sequences->keys, &sequences->query_ends, &sequences->key_ends})
      if (tensor->defined()) *tensor = tensor->to(device);
  if (by_sequences) return moved;
  moved->triangle_ = moved->triangle_.to(device);
  for (std::vector<Block>* blocks : {&moved->blocks_, &moved->asked_blocks_})
    for (Block& block : *blocks) block.bias = block.bias.to(device);
  return moved;
}

void PackedText::add_blocks(const PackedGroup& group, std::int64_t from, std::int64_t query,
                            std::int64_t key, std::vector<Block>& blocks) const {
  const std::int64_t length = length_of(group);
  while (from < length) {
    const bool in_prompt = from < group.prompt;
    const std::int64_t to = std::min(from + kBlockRows, in_prompt ? group.prompt : length);
    blocks.push_back({query, to - from, key, to,
                      in_prompt ? triangle(to - from) : completions_bias(group, from, to)});
    query += to - from;
    from = to;
  }
}

Tensor PackedText::triangle(std::int64_t rows) const {
  return triangle_.narrow(0, 0, rows).narrow(1, 0, rows);
}

// Rows from … to − 1 of the group by its tokens behind the prompt.
Tensor PackedText::completions_bias(const PackedGroup& group, std::int64_t from,
                                    std::int64_t to) const {
  Tensor bias = torch::full({to - from, to - group.prompt}, kNever);
  std::int64_t begin = group.prompt;
  for (const std::int64_t completion : group.completions) {
    const std::int64_t end = begin + completion;
    for (std::int64_t row = std::max(from, begin); row < std::min(to, end); ++row)
      bias[row - from].narrow(0, begin - group.prompt, row + 1 - begin).zero_();
    begin = end;
  }
  return bias.to(triangle_.device());
}

}  // namespace strop::trainer
