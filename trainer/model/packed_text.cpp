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

}  // namespace

PackedText::PackedText(const std::vector<PackedGroup>& groups, torch::Device device)
    : triangle_(torch::full({kBlockRows, kBlockRows}, kNever).triu_(1).to(device)) {
  std::vector<std::int64_t> positions;
  std::vector<std::int64_t> asked;
  for (const PackedGroup& group : groups) {
    const auto asked_begin = static_cast<std::int64_t>(asked.size());
    for (std::int64_t i = 0; i < group.prompt; ++i) positions.push_back(i);
    for (const std::int64_t completion : group.completions)
      for (std::int64_t i = 0; i < completion; ++i) positions.push_back(group.prompt + i);
    const std::int64_t length = length_of(group);
    for (std::int64_t i = group.asked; i < length; ++i) asked.push_back(tokens_ + i);
    add_blocks(group, 0, tokens_, tokens_, blocks_);
    add_blocks(group, group.asked, asked_begin, tokens_, asked_blocks_);
    tokens_ += length;
  }
  positions_ = torch::tensor(positions, torch::kInt64).to(device);
  if (asked.size() != positions.size()) asked_ = torch::tensor(asked, torch::kInt64).to(device);
}

c10::intrusive_ptr<PackedText> PackedText::on(torch::Device device,
                                              c10::intrusive_ptr<PackedText> text) {
  if (text->positions_.device() == device) return text;
  auto moved = c10::make_intrusive<PackedText>(*text);
  moved->triangle_ = moved->triangle_.to(device);
  moved->positions_ = moved->positions_.to(device);
  if (moved->asked_.defined()) moved->asked_ = moved->asked_.to(device);
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
