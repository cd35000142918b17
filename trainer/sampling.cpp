#include "trainer/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace strop::trainer {
namespace {

// log Σ exp(x), with the largest taken out first.
double log_sum_exp(std::span<const float> x, float largest) {
  double sum = 0;
  for (const float value : x) sum += std::exp(static_cast<double>(value - largest));
  return static_cast<double>(largest) + std::log(sum);
}

// Ids of the `count` largest, largest first, of equals the smallest id first.
std::vector<TokenId> largest_ids(std::span<const float> logits, std::size_t count) {
  std::vector<TokenId> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  count = std::min(count, ids.size());
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end(),
                    [&](TokenId a, TokenId b) {
                      const float x = logits[static_cast<std::size_t>(a)];
                      const float y = logits[static_cast<std::size_t>(b)];
                      return x != y ? x > y : a < b;
                    });
  ids.resize(count);
  return ids;
}

// How many bytes at the end of `text` are the beginning of a UTF-8 character that goes on.
std::size_t begun_character(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;  // within a character
    const std::size_t length = byte >= 0xF0U ? 4 : byte >= 0xE0U ? 3 : byte >= 0xC0U ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

}  // namespace

TokenChoice Sampler::choose(std::span<const float> logits) {
  const auto top = std::max_element(logits.begin(), logits.end());
  const double total = log_sum_exp(logits, *top);
  if (!std::isfinite(total))
    throw std::runtime_error(
        "the model gives no finite probability: its weights or its adapter are damaged");
  TokenChoice out;
  out.token = options_.temperature > 0 ? draw(logits) : static_cast<TokenId>(top - logits.begin());
  const auto log_prob = [&](TokenId id) {
    return static_cast<double>(logits[static_cast<std::size_t>(id)]) - total;
  };
  out.log_prob = log_prob(out.token);
  for (const TokenId id : options_.alternatives > 0 ? largest_ids(logits, options_.alternatives)
                                                    : std::vector<TokenId>())
    out.alternatives.emplace_back(id, log_prob(id));
  return out;
}

TokenId Sampler::draw(std::span<const float> logits) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  std::vector<std::pair<double, TokenId>> weights;  // e^((x − largest) / temperature)
  weights.reserve(logits.size());
  double total = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double weight = std::exp(static_cast<double>(logits[i] - largest) / options_.temperature);
    weights.emplace_back(weight, static_cast<TokenId>(i));
    total += weight;
  }
  const auto likelier = [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  if (options_.top_k > 0 && options_.top_k < weights.size()) {
    const auto end = weights.begin() + static_cast<std::ptrdiff_t>(options_.top_k);
    std::partial_sort(weights.begin(), end, weights.end(), likelier);
    weights.erase(end, weights.end());
    total = 0;
    for (const auto& [weight, id] : weights) total += weight;
  }
  if (options_.top_p < 1) {
    std::sort(weights.begin(), weights.end(), likelier);
    double kept = 0;
    std::size_t count = 0;
    while (count < weights.size() && (count == 0 || kept < options_.top_p * total))
      kept += weights[count++].first;
    weights.resize(count);
    total = kept;
  }
  // 53 bits, made by hand because the library's distributions differ between machines.
  double point = static_cast<double>(random_() >> 11) * 0x1.0p-53 * total;
  for (const auto& [weight, id] : weights) {
    if (point < weight) return id;
    point -= weight;
  }
  return weights.back().second;
}

CompletionBuilder::CompletionBuilder(const Tokenizer& tokenizer,
                                     const std::vector<std::string>& stops, std::int64_t max_tokens)
    : tokenizer_(tokenizer), stops_(stops), max_tokens_(max_tokens) {
  for (const std::string& stop : stops_) longest_stop_ = std::max(longest_stop_, stop.size());
  if (max_tokens_ <= 0) end(Finish::kLength);
}

void CompletionBuilder::end(Finish finish) {
  out_.finish = finish;
  done_ = true;
}

void CompletionBuilder::cancel() { end(Finish::kCancelled); }

bool CompletionBuilder::add(TokenChoice choice) {
  if (done_) return false;
  if (tokenizer_.is_special(choice.token)) {
    end(Finish::kStop);
    return false;
  }
  // A stop text may have begun in the tokens before.
  const std::size_t from =
      out_.text.size() - std::min(out_.text.size(), longest_stop_ > 0 ? longest_stop_ - 1 : 0);
  out_.text += tokenizer_.bytes_of(choice.token);
  out_.tokens.push_back(std::move(choice));
  std::size_t cut = std::string::npos;
  for (const std::string& stop : stops_) {
    const std::size_t at = out_.text.find(stop, from);
    if (at >= cut) continue;
    cut = at;
    out_.stop = stop;
  }
  if (cut != std::string::npos) {
    out_.text.resize(cut);
    end(Finish::kStop);
  } else if (static_cast<std::int64_t>(out_.tokens.size()) >= max_tokens_) {
    end(Finish::kLength);
  }
  return !done_;
}

std::size_t CompletionBuilder::settled() const {
  if (done_) return out_.text.size();
  std::size_t held = begun_character(out_.text);
  for (const std::string& stop : stops_)
    for (std::size_t size = std::min(stop.size() - 1, out_.text.size()); size > held; --size)
      if (out_.text.ends_with(std::string_view(stop).substr(0, size))) held = size;
  return out_.text.size() - held;
}

CompletionPiece CompletionBuilder::take() {
  const std::size_t settled_text = std::max(settled(), taken_text_);
  CompletionPiece out;
  out.text = out_.text.substr(taken_text_, settled_text - taken_text_);
  taken_text_ = settled_text;
  out.tokens.assign(out_.tokens.begin() + static_cast<std::ptrdiff_t>(taken_tokens_),
                    out_.tokens.end());
  taken_tokens_ = out_.tokens.size();
  if (done_) out.finish = out_.finish;
  if (done_) out.stop = out_.stop;
  return out;
}

}  // namespace strop::trainer
