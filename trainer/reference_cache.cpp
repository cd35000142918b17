#include "trainer/reference_cache.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
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

json head(const std::string& base) { return {{"v", kVersion}, {"base", base}}; }

std::string line_of(const std::string& pair, const ReferenceScore& score) {
  return json{{"pair", pair},
              {"chosen", score.chosen},
              {"rejected", score.rejected},
              {"chosen_nll", score.chosen_nll}}
             .dump() +
         "\n";
}

std::string part_of(const std::string& file) { return file + ".part"; }

}  // namespace

ReferenceCache::ReferenceCache(std::string file, std::string base)
    : file_(std::move(file)), base_(std::move(base)) {
  read(file_);
  const std::size_t saved = known_.size();
  read(part_of(file_));
  // Written anew, for it may end in half a line.
  std::string text = head(base_).dump() + "\n";
  part_is_empty_ = known_.size() == saved;
  if (!part_is_empty_)
    for (const auto& [pair, score] : known_) text += line_of(pair, score);
  write_file(part_of(file_), text);
  part_.open(part_of(file_), std::ios::binary | std::ios::app);
  if (!part_) throw std::runtime_error("cannot write " + part_of(file_));
}

ReferenceCache::~ReferenceCache() {
  std::error_code ignored;
  if (part_is_empty_) std::filesystem::remove(part_of(file_), ignored);
}

void ReferenceCache::read(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string line;
  if (!std::getline(in, line)) return;
  if (json::parse(line, nullptr, false) != head(base_)) return;
  std::map<std::string, ReferenceScore> found;
  while (std::getline(in, line)) {
    if (in.eof()) break;  // without its end
    try {
      const json one = json::parse(line);
      found[one.at("pair").get<std::string>()] = {one.at("chosen").get<float>(),
                                                  one.at("rejected").get<float>(),
                                                  one.at("chosen_nll").get<float>()};
    } catch (const json::exception&) {
      return;  // who knows what else is wrong with it
    }
  }
  known_.merge(found);
}

std::optional<ReferenceScore> ReferenceCache::find(const TokenPair& pair) {
  const auto found = known_.find(digest_of(pair));
  if (found == known_.end()) return std::nullopt;
  found_ += used_.insert(*found).second ? 1 : 0;
  return found->second;
}

ReferenceScore ReferenceCache::add(const TokenPair& pair, const ReferenceScore& score) {
  const auto [added, is_new] = used_.emplace(digest_of(pair), score);
  if (is_new) {
    part_ << line_of(added->first, score);
    part_is_empty_ = false;
  }
  return added->second;
}

void ReferenceCache::keep() {
  if (!part_.flush())
    throw std::runtime_error("cannot write " + part_of(file_) + ": is the disk full?");
}

void ReferenceCache::save() {
  std::string text = head(base_).dump() + "\n";
  for (const auto& [pair, score] : used_) text += line_of(pair, score);
  write_file(file_, text);
  part_.close();
  std::filesystem::remove(part_of(file_));
}

}  // namespace strop::trainer
