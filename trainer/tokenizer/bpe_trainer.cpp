#include "trainer/tokenizer/bpe_trainer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <queue>
#include <stdexcept>

#include "trainer/tokenizer/byte_level.h"
#include "trainer/tokenizer/merger.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

// Qwen2's pattern: words with the blank before them, single digits, runs of symbols with the line
// end after them, indentation apart.
constexpr const char* kCodePattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

json pre_tokenizer_json() {
  return {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"},
             {"pattern", {{"Regex", kCodePattern}}},
             {"behavior", "Isolated"},
             {"invert", false}},
            {{"type", "ByteLevel"},
             {"add_prefix_space", false},
             {"trim_offsets", true},
             {"use_regex", false}}}}};
}

struct Word {
  std::vector<TokenId> ids;
  std::int64_t count = 0;
};

// Two ids in one number, ordered as the pair is.
using Pair = std::uint64_t;
Pair pair_of(TokenId left, TokenId right) {
  return (static_cast<Pair>(static_cast<std::uint32_t>(left)) << 32) |
         static_cast<std::uint32_t>(right);
}
TokenId left_of(Pair pair) { return static_cast<TokenId>(pair >> 32); }
TokenId right_of(Pair pair) { return static_cast<TokenId>(pair & 0xFFFFFFFFU); }

struct Entry {
  std::int64_t count;
  Pair pair;
  // The heap's top: the most frequent, of equals the one of the smallest ids.
  bool operator<(const Entry& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

// All words as token ids, and how often each pair stands in them, kept up as pairs are merged.
class PairCounts {
 public:
  explicit PairCounts(std::vector<Word> words) : words_(std::move(words)) {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      const Word& word = words_[w];
      for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
        const Pair pair = pair_of(word.ids[i], word.ids[i + 1]);
        counts_[pair] += word.count;
        note_place(pair, w);
      }
    }
    for (const auto& [pair, count] : counts_) heap_.push({count, pair});
  }

  // The most frequent pair; nothing when no pair occurs twice.
  std::optional<Pair> best() {
    while (!heap_.empty()) {
      const Entry top = heap_.top();
      if (top.count < 2) break;
      heap_.pop();
      const auto found = counts_.find(top.pair);
      if (found != counts_.end() && found->second == top.count) return top.pair;
    }
    return std::nullopt;
  }

  // Puts `id` wherever the pair stands.
  void merge(Pair pair, TokenId id) {
    changes_.clear();
    const std::vector<std::uint32_t> words = std::move(places_[pair]);
    places_.erase(pair);
    for (const std::uint32_t w : words) merge_in(w, pair, id);
    for (const auto& [changed, change] : changes_) {
      if (change == 0) continue;
      const std::int64_t count = counts_[changed] += change;
      if (count == 0)
        counts_.erase(changed);
      else
        heap_.push({count, changed});
    }
  }

 private:
  void merge_in(std::uint32_t w, Pair pair, TokenId id) {
    std::vector<TokenId>& ids = words_[w].ids;
    const std::int64_t count = words_[w].count;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) changes_[pair_of(ids[i], ids[i + 1])] -= count;
    std::size_t size = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const bool here = i + 1 < ids.size() && pair_of(ids[i], ids[i + 1]) == pair;
      ids[size++] = here ? id : ids[i];
      if (here) ++i;
    }
    ids.resize(size);
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const Pair now = pair_of(ids[i], ids[i + 1]);
      changes_[now] += count;
      if (ids[i] == id || ids[i + 1] == id) note_place(now, w);
    }
  }

  // A word may be noted that has lost the pair since; merging passes it by.
  void note_place(Pair pair, std::size_t w) {
    std::vector<std::uint32_t>& places = places_[pair];
    if (places.empty() || places.back() != w) places.push_back(static_cast<std::uint32_t>(w));
  }

  std::vector<Word> words_;
  std::unordered_map<Pair, std::int64_t> counts_;
  std::unordered_map<Pair, std::vector<std::uint32_t>> places_;
  std::unordered_map<Pair, std::int64_t> changes_;  // by the merge in hand
  std::priority_queue<Entry> heap_;                 // entries whose count is no more are passed by
};

json added_token_json(TokenId id, const std::string& text) {
  return {{"id", id},        {"content", text},     {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

json tokenizer_json(json added, json vocab, json merges) {
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", std::move(added)},
          {"normalizer", nullptr},
          {"pre_tokenizer", pre_tokenizer_json()},
          {"post_processor", nullptr},
          {"decoder",
           {{"type", "ByteLevel"},
            {"add_prefix_space", true},
            {"trim_offsets", true},
            {"use_regex", true}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", std::move(vocab)},
            {"merges", std::move(merges)}}}};
}

}  // namespace

BpeTrainer::BpeTrainer()
    : pre_tokenizer_(*PreTokenizer::from_json(nullptr, pre_tokenizer_json())) {}

void BpeTrainer::add(std::string_view text) {
  pre_tokenizer_.split(text, [this](std::string_view piece) {
    if (const auto found = counts_.find(piece); found != counts_.end())
      ++found->second;
    else
      counts_.emplace(piece, 1);
  });
}

json BpeTrainer::train(std::size_t vocab, const std::vector<std::string>& specials) const {
  if (vocab < 256 + specials.size())
    throw std::invalid_argument("a vocabulary of " + std::to_string(vocab) +
                                " has no room for 256 bytes and " +
                                std::to_string(specials.size()) + " special tokens");
  json ids = json::object();
  json added = json::array();
  std::vector<std::string> bytes;  // by id
  const auto next = [&] { return static_cast<TokenId>(bytes.size()); };
  for (const std::string& special : specials) {
    added.push_back(added_token_json(next(), special));
    ids[special] = next();
    bytes.push_back(special);
  }
  const TokenId first_byte = next();
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    ids[to_byte_level(one)] = next();
    bytes.push_back(one);
  }
  // In order of the text, not of the hash table, so that every machine trains the same.
  const std::map<std::string_view, std::int64_t> ordered(counts_.begin(), counts_.end());
  std::vector<Word> words;
  for (const auto& [piece, count] : ordered) {
    Word word;
    word.count = count;
    for (const char c : piece) word.ids.push_back(first_byte + static_cast<unsigned char>(c));
    words.push_back(std::move(word));
  }
  PairCounts pairs(std::move(words));
  json merges = json::array();
  std::unordered_map<std::string, TokenId> known;
  while (bytes.size() < vocab) {
    const auto pair = pairs.best();
    if (!pair) break;
    const std::string& left = bytes[static_cast<std::size_t>(left_of(*pair))];
    const std::string& right = bytes[static_cast<std::size_t>(right_of(*pair))];
    merges.push_back(json::array({to_byte_level(left), to_byte_level(right)}));
    // Two different pairs may spell the same token: it keeps its id.
    std::string whole = left + right;
    const auto [found, is_new] = known.try_emplace(whole, next());
    if (is_new) {
      ids[to_byte_level(whole)] = next();
      bytes.push_back(std::move(whole));
    }
    pairs.merge(*pair, found->second);
  }
  return tokenizer_json(std::move(added), std::move(ids), std::move(merges));
}

}  // namespace strop::trainer
