#include "trainer/tokenizer/bpe_trainer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <stdexcept>

#include "trainer/tokenizer/tokenizer.h"

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

using Pair = std::pair<TokenId, TokenId>;

struct Word {
  std::vector<TokenId> ids;
  std::int64_t count = 0;
};

struct Entry {
  std::int64_t count;
  Pair pair;
  bool operator<(const Entry& other) const {
    return count != other.count
               ? count < other.count
               : pair > other.pair;  // the heap's top: most frequent, then smallest ids
  }
};

class Merger {
 public:
  explicit Merger(std::vector<Word> words) : words_(std::move(words)) {
    for (std::size_t w = 0; w < words_.size(); ++w) count_pairs(w, 1);
    for (const auto& [pair, count] : counts_) heap_.push({count, pair});
  }

  // The most frequent pair; nothing when no pair occurs twice.
  std::optional<Pair> best() {
    while (!heap_.empty()) {
      const Entry top = heap_.top();
      heap_.pop();
      const std::int64_t count = counts_[top.pair];
      if (count != top.count) {  // stale; a fresh entry, if any is due, is pushed here
        if (count > 1 && count < top.count) heap_.push({count, top.pair});
        continue;
      }
      if (count < 2) return std::nullopt;
      return top.pair;
    }
    return std::nullopt;
  }

  // Puts `id` wherever the pair stands.
  void merge(const Pair& pair, TokenId id) {
    changed_.clear();
    const std::set<std::size_t> words = std::move(places_[pair]);
    places_.erase(pair);
    for (const std::size_t w : words) {
      count_pairs(w, -1);
      std::vector<TokenId>& ids = words_[w].ids;
      std::size_t out = 0;
      for (std::size_t i = 0; i < ids.size(); ++i)
        ids[out++] = i + 1 < ids.size() && ids[i] == pair.first && ids[i + 1] == pair.second
                         ? (++i, id)
                         : ids[i];
      ids.resize(out);
      count_pairs(w, 1);
    }
    for (const Pair& one : changed_) heap_.push({counts_[one], one});
  }

 private:
  void count_pairs(std::size_t w, int sign) {
    const Word& word = words_[w];
    for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
      const Pair pair{word.ids[i], word.ids[i + 1]};
      counts_[pair] += sign * word.count;
      if (sign > 0) {
        places_[pair].insert(w);
        changed_.insert(pair);
      }
    }
  }

  std::vector<Word> words_;
  std::map<Pair, std::int64_t> counts_;
  std::map<Pair, std::set<std::size_t>> places_;
  std::set<Pair> changed_;
  std::priority_queue<Entry> heap_;
};

}  // namespace

BpeTrainer::BpeTrainer()
    : pre_tokenizer_(*PreTokenizer::from_json(nullptr, pre_tokenizer_json())) {}

void BpeTrainer::add(std::string_view text) {
  pre_tokenizer_.split(text, [this](std::string_view piece) { ++counts_[std::string(piece)]; });
}

json BpeTrainer::train(std::size_t vocab, const std::vector<std::string>& specials) const {
  if (vocab < 256 + specials.size())
    throw std::invalid_argument("a vocabulary of " + std::to_string(vocab) +
                                " has no room for 256 bytes and " +
                                std::to_string(specials.size()) + " special tokens");
  json ids = json::object();
  json added = json::array();
  TokenId next = 0;
  for (const std::string& special : specials) {
    added.push_back({{"id", next},
                     {"content", special},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
    ids[special] = next++;
  }
  std::vector<std::string> bytes(static_cast<std::size_t>(next));
  const TokenId first_byte = next;
  for (int byte = 0; byte < 256; ++byte) {
    bytes.emplace_back(1, static_cast<char>(byte));
    ids[to_byte_level(bytes.back())] = next++;
  }
  // In order of the text, not of the hash table, so that every machine trains the same.
  const std::map<std::string, std::int64_t> ordered(counts_.begin(), counts_.end());
  std::vector<Word> words;
  for (const auto& [piece, count] : ordered) {
    Word word;
    word.count = count;
    for (const char c : piece) word.ids.push_back(first_byte + static_cast<unsigned char>(c));
    words.push_back(std::move(word));
  }
  Merger merger(std::move(words));
  json merges = json::array();
  std::unordered_map<std::string, TokenId> known;
  while (bytes.size() < vocab) {
    const auto pair = merger.best();
    if (!pair) break;
    const std::string& left = bytes[static_cast<std::size_t>(pair->first)];
    const std::string& right = bytes[static_cast<std::size_t>(pair->second)];
    merges.push_back(json::array({to_byte_level(left), to_byte_level(right)}));
    // Two different pairs may spell the same token: it keeps its id.
    const std::string whole = left + right;
    const auto [found, added_now] = known.try_emplace(whole, next);
    if (added_now) {
      bytes.push_back(whole);
      ids[to_byte_level(whole)] = next++;
    }
    merger.merge(*pair, found->second);
  }
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
            {"vocab", std::move(ids)},
            {"merges", std::move(merges)}}}};
}

}  // namespace strop::trainer
