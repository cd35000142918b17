#include "trainer/tokenizer/tokenizer.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr std::size_t kCacheLimit = 1 << 18;  // pieces; past it the cache starts afresh
constexpr std::size_t kCachedPiece = 64;      // bytes; longer pieces hardly come twice

// Byte → code point: printable ones stand for themselves, the others for 256 and up.
const std::array<char32_t, 256>& byte_table() {
  static const auto kTable = [] {
    std::array<char32_t, 256> table{};
    char32_t next = 256;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable =
          (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
      table[static_cast<std::size_t>(byte)] = printable ? static_cast<char32_t>(byte) : next++;
    }
    return table;
  }();
  return kTable;
}

std::uint64_t pair_key(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
         static_cast<std::uint32_t>(right);
}

std::pair<std::string, std::string> merge_sides(const json& merge) {
  if (merge.is_array()) return {merge.at(0), merge.at(1)};
  const std::string text = merge;
  const std::size_t space = text.find(' ', 1);
  if (space == std::string::npos)
    throw std::runtime_error("the merge '" + text + "' has no two sides");
  return {text.substr(0, space), text.substr(space + 1)};
}

}  // namespace

std::string to_byte_level(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const char32_t code = byte_table()[static_cast<unsigned char>(c)];
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else {  // at most 511: two bytes of UTF-8
      out += static_cast<char>(0xC0U | (code >> 6));
      out += static_cast<char>(0x80U | (code & 0x3FU));
    }
  }
  return out;
}

std::optional<std::string> from_byte_level(std::string_view text) {
  static const auto kBytes = [] {
    std::unordered_map<char32_t, char> bytes;
    for (int byte = 0; byte < 256; ++byte)
      bytes[byte_table()[static_cast<std::size_t>(byte)]] = static_cast<char>(byte);
    return bytes;
  }();
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    char32_t code = first;
    if (first >= 0x80U) {
      if ((first & 0xE0U) != 0xC0U || i + 1 >= text.size()) return std::nullopt;
      code = (static_cast<char32_t>(first & 0x1FU) << 6) |
             (static_cast<unsigned char>(text[++i]) & 0x3FU);
    }
    const auto found = kBytes.find(code);
    if (found == kBytes.end()) return std::nullopt;
    out += found->second;
  }
  return out;
}

tl::expected<Tokenizer, std::string> Tokenizer::load(const std::string& path) {
  const std::string file = std::filesystem::is_directory(path) ? path + "/tokenizer.json" : path;
  std::ifstream in(file);
  if (!in) return tl::unexpected("cannot read " + file + ": a model folder needs a tokenizer.json");
  const json parsed = json::parse(in, nullptr, false);
  if (parsed.is_discarded()) return tl::unexpected(file + " is not JSON");
  return from_json(parsed).map_error([&](const std::string& error) { return file + ": " + error; });
}

tl::expected<Tokenizer, std::string> Tokenizer::from_json(const json& in) {
  try {
    const json& model = in.at("model");
    const std::string type = model.value("type", "BPE");
    if (type != "BPE")
      return tl::unexpected("tokenizers of kind '" + type +
                            "' are not supported (byte-level BPE is)");
    if (model.value("byte_fallback", false))
      return tl::unexpected(
          std::string("BPE with byte_fallback is not supported (byte-level BPE is)"));
    Tokenizer out;
    auto pre =
        PreTokenizer::from_json(in.value("normalizer", json()), in.value("pre_tokenizer", json()));
    if (!pre) return tl::unexpected(pre.error());
    out.pre_tokenizer_ = std::move(*pre);
    out.ignore_merges_ = model.value("ignore_merges", false);
    TokenId last = -1;
    for (const auto& [text, id] : model.at("vocab").items())
      last = std::max(last, id.get<TokenId>());
    for (const json& added : in.value("added_tokens", json::array()))
      last = std::max(last, added.at("id").get<TokenId>());
    if (last < 0 || last > 4'000'000)
      return tl::unexpected(std::string("the vocabulary is empty or impossibly large"));
    out.bytes_.resize(static_cast<std::size_t>(last) + 1);
    out.special_.resize(out.bytes_.size());
    for (const auto& [text, id] : model.at("vocab").items()) {
      const auto bytes = from_byte_level(text);
      const auto index = id.get<TokenId>();
      if (index < 0) return tl::unexpected("token '" + text + "' has a negative id");
      out.bytes_[static_cast<std::size_t>(index)] = bytes.value_or(text);
      out.ids_[bytes.value_or(text)] = index;
    }
    for (int byte = 0; byte < 256; ++byte) {
      const auto found = out.ids_.find(std::string(1, static_cast<char>(byte)));
      if (found == out.ids_.end())
        return tl::unexpected("the vocabulary lacks byte " + std::to_string(byte) +
                              ": it is not byte-level BPE");
      out.byte_ids_.push_back(found->second);
    }
    std::int32_t rank = 0;
    for (const json& merge : model.at("merges")) {
      const auto [left, right] = merge_sides(merge);
      const auto a = from_byte_level(left);
      const auto b = from_byte_level(right);
      if (!a || !b || !out.ids_.contains(*a) || !out.ids_.contains(*b) ||
          !out.ids_.contains(*a + *b))
        return tl::unexpected("the merge '" + left + " " + right + "' is not of the vocabulary");
      out.merges_.try_emplace(pair_key(out.ids_[*a], out.ids_[*b]), rank++, out.ids_[*a + *b]);
    }
    for (const json& token : in.value("added_tokens", json::array())) {
      Added added{token.at("content"), token.at("id"), token.value("special", false)};
      out.bytes_[static_cast<std::size_t>(added.id)] = added.text;
      out.special_[static_cast<std::size_t>(added.id)] = added.special;
      out.added_.push_back(std::move(added));
    }
    return out;
  } catch (const std::exception& error) {
    return tl::unexpected(std::string("not a tokenizer this build reads: ") + error.what());
  }
}

std::vector<TokenId> Tokenizer::merge(std::string_view piece) const {
  if (ignore_merges_)
    if (const auto whole = ids_.find(std::string(piece)); whole != ids_.end())
      return {whole->second};
  std::vector<TokenId> ids;
  ids.reserve(piece.size());
  for (const char c : piece) ids.push_back(byte_ids_[static_cast<unsigned char>(c)]);
  // The pair of the lowest rank first, leftmost of equals, until none merges.
  while (ids.size() > 1) {
    std::size_t best = ids.size();
    std::pair<std::int32_t, TokenId> result{std::numeric_limits<std::int32_t>::max(), 0};
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = merges_.find(pair_key(ids[i], ids[i + 1]));
      if (found != merges_.end() && found->second.first < result.first) {
        best = i;
        result = found->second;
      }
    }
    if (best == ids.size()) break;
    ids[best] = result.second;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  return ids;
}

void Tokenizer::encode_piece(std::string_view piece, std::vector<TokenId>& out) const {
  if (piece.size() > kCachedPiece) {
    const auto ids = merge(piece);
    out.insert(out.end(), ids.begin(), ids.end());
    return;
  }
  if (cache_.size() > kCacheLimit) cache_.clear();
  const auto [found, added] = cache_.try_emplace(std::string(piece));
  if (added) found->second = merge(piece);
  out.insert(out.end(), found->second.begin(), found->second.end());
}

std::vector<TokenId> Tokenizer::encode(std::string_view text) const {
  std::vector<TokenId> out;
  pre_tokenizer_.split(text, [&](std::string_view piece) { encode_piece(piece, out); });
  return out;
}

std::vector<TokenId> Tokenizer::encode(const std::vector<schema::PromptPiece>& pieces) const {
  std::vector<TokenId> out;
  for (const schema::PromptPiece& piece : pieces) {
    if (piece.special) {
      const auto id = special_id(piece.text);
      if (!id)
        throw std::invalid_argument("the tokenizer has no special token '" + piece.text +
                                    "': choose the FIM family this model was trained with");
      out.push_back(*id);
    } else {
      const auto ids = encode(piece.text);
      out.insert(out.end(), ids.begin(), ids.end());
    }
  }
  return out;
}

std::vector<TokenId> Tokenizer::encode_with_added(std::string_view text) const {
  std::vector<TokenId> out;
  const auto plain = [&](std::string_view part) {
    const auto ids = encode(part);
    out.insert(out.end(), ids.begin(), ids.end());
  };
  while (!text.empty()) {
    // The added token that begins first; of those, the longest.
    std::size_t at = std::string_view::npos;
    const Added* next = nullptr;
    for (const Added& added : added_) {
      const std::size_t found = added.text.empty() ? std::string_view::npos : text.find(added.text);
      if (found < at || (found == at && next != nullptr && added.text.size() > next->text.size())) {
        at = found;
        next = &added;
      }
    }
    if (next == nullptr || at == std::string_view::npos) {
      plain(text);
      break;
    }
    plain(text.substr(0, at));
    out.push_back(next->id);
    text.remove_prefix(at + next->text.size());
  }
  return out;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool with_special) const {
  std::string out;
  for (const TokenId id : ids)
    if (with_special || !is_special(id)) out += bytes_of(id);
  return out;
}

std::string_view Tokenizer::bytes_of(TokenId id) const {
  return id >= 0 && static_cast<std::size_t>(id) < bytes_.size()
             ? std::string_view(bytes_[static_cast<std::size_t>(id)])
             : std::string_view();
}

std::optional<TokenId> Tokenizer::special_id(std::string_view name) const {
  for (const Added& added : added_)
    if (added.text == name) return added.id;
  return std::nullopt;
}

bool Tokenizer::is_special(TokenId id) const {
  return id >= 0 && static_cast<std::size_t>(id) < special_.size() &&
         special_[static_cast<std::size_t>(id)];
}

}  // namespace strop::trainer
