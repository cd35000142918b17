#include "trainer/reference_cache.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "trainer/checkpoint.h"
#include "trainer/digest.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

// What the score follows from, and nothing else: neither weight nor epsilon.
std::string digest_of(const TokenPair& pair) {
  Digest digest;
  const auto add_tokens = [&](const std::vector<TokenId>& tokens) {
    digest.add(
        {reinterpret_cast<const char*>(tokens.data()), tokens.size() * sizeof(*tokens.data())});
  };
  const auto add_flags = [&](const std::vector<bool>& flags, std::size_t size) {
    std::string text(size, '1');
    for (std::size_t i = 0; i < flags.size(); ++i) text[i] = flags[i] ? '1' : '0';
    digest.add(text);
  };
  add_tokens(pair.prompt);
  add_tokens(pair.chosen);
  add_tokens(pair.rejected);
  add_flags(pair.chosen_compared, pair.chosen.size());
  add_flags(pair.rejected_compared, pair.rejected.size());
  return digest.hex();
}

}  // namespace

ReferenceCache::ReferenceCache(std::string file, std::string base)
    : file_(std::move(file)), base_(std::move(base)) {
  std::ifstream in(file_);
  std::string line;
  if (!std::getline(in, line)) return;
  if (json::parse(line, nullptr, false) != json{{"v", kVersion}, {"base", base_}}) return;
  while (std::getline(in, line)) {
    try {
      const json one = json::parse(line);
      known_[one.at("pair").get<std::string>()] = {one.at("chosen").get<float>(),
                                                   one.at("rejected").get<float>(),
                                                   one.at("chosen_nll").get<float>()};
    } catch (const json::exception&) {
      known_.clear();  // who knows what else is wrong with it
      return;
    }
  }
}

std::optional<ReferenceScore> ReferenceCache::find(const TokenPair& pair) {
  const auto found = known_.find(digest_of(pair));
  if (found == known_.end()) return std::nullopt;
  found_ += used_.insert(*found).second ? 1 : 0;
  return found->second;
}

ReferenceScore ReferenceCache::add(const TokenPair& pair, const ReferenceScore& score) {
  return used_.emplace(digest_of(pair), score).first->second;
}

void ReferenceCache::save() const {
  std::string text = json{{"v", kVersion}, {"base", base_}}.dump() + "\n";
  for (const auto& [pair, score] : used_)
    text += json{{"pair", pair},
                 {"chosen", score.chosen},
                 {"rejected", score.rejected},
                 {"chosen_nll", score.chosen_nll}}
                .dump() +
            "\n";
  write_file(file_, text);
}

}  // namespace strop::trainer
