#include "trainer/tokenizer/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr std::size_t kCacheLimit = 1 << 18;  // pieces; past it the cache starts afresh
constexpr std::size_t kCachedPiece = 64;      // bytes; longer pieces hardly come twice
constexpr TokenId kLargestId = 4'000'000;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr int kDeepest = 32;                               // levels of JSON

std::pair<std::string, std::string> merge_sides(const json& merge) {
  if (merge.is_array() && merge.size() == 2) return {merge[0], merge[1]};
  const std::string text = merge;
  const std::size_t space = text.find(' ', 1);
  if (space == std::string::npos)
    throw std::runtime_error("the merge '" + text + "' has no two sides");
  return {text.substr(0, space), text.substr(space + 1)};
}

// What changes the meaning of the tables and is not byte-level BPE.
void refuse_unsupported(const json& model, const json& decoder) {
  const std::string type = model.value("type", "BPE");
  if (type != "BPE")
    throw std::runtime_error("tokenizers of kind '" + type +
                             "' are not supported (byte-level BPE is)");
  if (model.value("byte_fallback", false))
    throw std::runtime_error("BPE with byte_fallback is not supported (byte-level BPE is)");
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const auto found = model.find(affix);
        found != model.end() && found->is_string() && !found->get<std::string>().empty())
      throw std::runtime_error(std::string("BPE with ") + affix +
                               " is not supported (byte-level BPE is)");
  if (const auto dropout = model.find("dropout");
      dropout != model.end() && dropout->is_number() && dropout->get<double>() > 0)
    throw std::runtime_error("BPE with dropout gives other tokens each time; set it to null");
  if (!decoder.is_null() && decoder.at("type") != "ByteLevel")
    throw std::runtime_error("decoder '" + decoder.at("type").get<std::string>() +
                             "' is not supported (ByteLevel is)");
}

// Qwen2.5 and DeepSeek-Coder do not call these special; but a file that spells one must not become
// a prompt of another shape.
bool is_fim_token(const std::string& text) {
  using schema::FimFamily;
  for (const FimFamily family :
       {FimFamily::kStrop, FimFamily::kQwen, FimFamily::kStarCoder2, FimFamily::kDeepSeek,
        FimFamily::kCodeLlama, FimFamily::kCodestral}) {
    const auto pieces = schema::fim_prompt(family, "before", "behind");
    if (std::find(pieces.begin(), pieces.end(), schema::PromptPiece{text, true}) != pieces.end())
      return true;
  }
  return false;
}

// Bytes that no UTF-8 has (RFC 3629); DeepSeek-Coder's vocabulary has none of them either.
bool in_utf8(int byte) { return byte != 0xC0 && byte != 0xC1 && byte < 0xF5; }

TokenId checked_id(const json& id, const std::string& token) {
  if (!id.is_number_integer())
    throw std::runtime_error("token '" + token + "' has the id " + id.dump() +
                             ", which is no whole number");
  const auto value = id.get<std::int64_t>();
  if (value < 0 || value > kLargestId)
    throw std::runtime_error("token '" + token + "' has the impossible id " +
                             std::to_string(value));
  return static_cast<TokenId>(value);
}

// Walking what is nested without end would need a stack without end.
json parse_shallow(std::istream& in) {
  bool too_deep = false;
  json out = json::parse(in, [&](int depth, json::parse_event_t, const json&) {
    too_deep = too_deep || depth > kDeepest;
    return !too_deep;
  });
  if (too_deep)
    throw std::runtime_error("nests deeper than any tokenizer.json; copy the model's folder again");
  return out;
}

}  // namespace

tl::expected<Tokenizer, std::string> Tokenizer::load(const std::string& path) {
  const std::string file = std::filesystem::is_directory(path) ? path + "/tokenizer.json" : path;
  std::ifstream in(file, std::ios::binary);
  if (!in) return tl::unexpected("cannot read " + file + ": a model folder needs a tokenizer.json");
  try {
    return from_json(parse_shallow(in)).map_error([&](const std::string& error) {
      return file + ": " + error;
    });
  } catch (const json::exception& error) {
    return tl::unexpected(file + " is not JSON (" + error.what() +
                          "); is the file cut short? Copy it again");
  } catch (const std::runtime_error& error) {
    return tl::unexpected(file + " " + error.what());
  }
}

tl::expected<Tokenizer, std::string> Tokenizer::from_json(const json& in) {
  try {
    const auto part = [&](const char* name) { return in.value(name, json()); };
    const json& model = in.at("model");
    refuse_unsupported(model, part("decoder"));
    Tokenizer out;
    auto pre = PreTokenizer::from_json(part("normalizer"), part("pre_tokenizer"));
    if (!pre) return tl::unexpected(pre.error());
    out.pre_tokenizer_ = std::move(*pre);
    out.ignore_merges_ = model.value("ignore_merges", false);
    json added = part("added_tokens");
    if (added.is_null()) added = json::array();
    out.read_vocabulary(model, added);
    out.read_merges(model.at("merges"));
    out.read_added(added);
    out.read_start(part("post_processor"));
    return out;
  } catch (const json::exception& error) {
    return tl::unexpected(std::string("not a tokenizer.json as Hugging Face tokenizers save it (") +
                          error.what() + "): save it anew, or copy the model's folder again");
  } catch (const std::exception& error) {
    return tl::unexpected(std::string(error.what()));
  }
}

void Tokenizer::read_vocabulary(const json& model, const json& added) {
  TokenId last = -1;
  for (const auto& [text, id] : model.at("vocab").items())
    last = std::max(last, checked_id(id, text));
  for (const json& one : added)
    last = std::max(last, checked_id(one.at("id"), one.at("content").get<std::string>()));
  bytes_.resize(static_cast<std::size_t>(last + 1));
  special_.resize(bytes_.size());
  for (const auto& [text, id] : model.at("vocab").items()) {
    const auto index = id.get<TokenId>();
    // What is not spelled byte by byte (an added token) is no piece of text.
    const auto bytes = from_byte_level(text);
    if (bytes) ids_.emplace(*bytes, index);
    bytes_[static_cast<std::size_t>(index)] = bytes.value_or(text);
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = ids_.find(std::string(1, static_cast<char>(byte)));
    if (found != ids_.end())
      merger_.set_byte(static_cast<unsigned char>(byte), found->second);
    else if (in_utf8(byte))
      throw std::runtime_error("the vocabulary lacks byte " + std::to_string(byte) +
                               ": it is not byte-level BPE, which alone is supported");
    else
      lacks_bytes_ = true;
  }
}

void Tokenizer::read_merges(const json& merges) {
  std::int32_t rank = 0;
  for (const json& one : merges) {
    const auto [left, right] = merge_sides(one);
    const auto id_of = [&](const std::string& text) {
      const auto bytes = from_byte_level(text);
      const auto found = bytes ? ids_.find(*bytes) : ids_.end();
      if (found == ids_.end())
        throw std::runtime_error("the merge '" + left + " " + right +
                                 "' names what the vocabulary lacks; is the file cut short?");
      return found->second;
    };
    merger_.add(id_of(left), id_of(right), rank++, id_of(left + right));
  }
}

void Tokenizer::read_added(const json& added) {
  for (const json& one : added) {
    AddedToken token = added_token_from_json(one);
    token.special = token.special || is_fim_token(token.text);
    const auto index = static_cast<std::size_t>(token.id);
    if (token.special) ids_.erase(token.text);  // text that spells it must not become it
    bytes_[index] = token.text;
    special_[index] = token.special;
    added_ids_[token.text] = token.id;
    if (token.normalized) {
      token.text = pre_tokenizer_.normalize(token.text);
      normalized_added_.add(std::move(token));
    } else {
      raw_added_.add(std::move(token));
    }
  }
}

// The tokens that a TemplateProcessing puts before sequence A.
void Tokenizer::read_start(const json& post) {
  if (post.is_null()) return;
  const std::string type = post.at("type");
  if (type == "Sequence") {
    for (const json& one : post.at("processors")) read_start(one);
  } else if (type == "TemplateProcessing") {
    for (const json& item : post.at("single")) {
      if (!item.contains("SpecialToken")) break;
      const std::string name = item["SpecialToken"].at("id");
      for (const json& id : post.at("special_tokens").at(name).at("ids")) {
        start_ids_.push_back(checked_id(id, name));
        if (static_cast<std::size_t>(start_ids_.back()) >= vocab_size())
          throw std::runtime_error("the post_processor puts token '" + name + "' of id " +
                                   id.dump() + " in front, which the vocabulary lacks");
      }
    }
  } else if (type != "ByteLevel") {
    throw std::runtime_error("post_processor '" + type +
                             "' is not supported (TemplateProcessing, ByteLevel and Sequence are)");
  }
}

void Tokenizer::merge(std::string_view piece, std::vector<TokenId>& out) const {
  if (ignore_merges_)
    if (const auto whole = ids_.find(piece); whole != ids_.end())
      return out.push_back(whole->second);
  merger_.merge(piece, out);
}

void Tokenizer::encode_piece(std::string_view piece, std::vector<TokenId>& out) const {
  if (lacks_bytes_ && piece.size() == 1 && !in_utf8(static_cast<unsigned char>(piece.front())))
    piece = kReplacement;
  if (piece.size() > kCachedPiece) return merge(piece, out);
  if (const auto found = cache_.find(piece); found != cache_.end()) {
    const auto begin = cached_ids_.begin() + found->second.begin;
    out.insert(out.end(), begin, begin + found->second.size);
    return;
  }
  if (cache_.size() >= kCacheLimit) {
    cache_.clear();
    cached_ids_.clear();
  }
  const std::size_t before = out.size();
  merge(piece, out);
  cache_.emplace(piece, Span{static_cast<std::uint32_t>(cached_ids_.size()),
                             static_cast<std::uint32_t>(out.size() - before)});
  cached_ids_.insert(cached_ids_.end(), out.begin() + static_cast<std::ptrdiff_t>(before),
                     out.end());
}

void Tokenizer::encode_plain(std::string_view text, std::vector<TokenId>& out) const {
  pre_tokenizer_.split(text, [&](std::string_view piece) { encode_piece(piece, out); });
}

void Tokenizer::encode_text(std::string_view text, bool with_special,
                            std::vector<TokenId>& out) const {
  const auto found = [&](const AddedToken& token) { out.push_back(token.id); };
  const auto normalized = [&](std::string_view part) {
    normalized_added_.cut(
        part, with_special, [&](std::string_view plain) { encode_plain(plain, out); }, found);
  };
  raw_added_.cut(
      text, with_special,
      [&](std::string_view part) {
        if (pre_tokenizer_.normalizes(part))
          normalized(pre_tokenizer_.normalize(part));
        else
          normalized(part);
      },
      found);
}

std::vector<TokenId> Tokenizer::encode(std::string_view text) const {
  std::vector<TokenId> out;
  encode_text(text, false, out);
  return out;
}

std::vector<TokenId> Tokenizer::encode_with_added(std::string_view text) const {
  std::vector<TokenId> out;
  encode_text(text, true, out);
  return out;
}

std::vector<TokenId> Tokenizer::encode(const std::vector<schema::PromptPiece>& pieces) const {
  std::vector<TokenId> out = start_ids_;
  for (const schema::PromptPiece& piece : pieces) {
    if (piece.special)
      out.push_back(encode_special(piece.text));
    else
      encode_text(piece.text, false, out);
  }
  return out;
}

TokenId Tokenizer::encode_special(std::string_view name) const {
  const auto id = special_id(name);
  if (!id)
    throw std::invalid_argument("the tokenizer has no special token '" + std::string(name) +
                                "': choose the FIM family this model was trained with");
  return *id;
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
  const auto found = added_ids_.find(name);
  return found == added_ids_.end() ? std::nullopt : std::optional(found->second);
}

bool Tokenizer::is_special(TokenId id) const {
  return id >= 0 && static_cast<std::size_t>(id) < special_.size() &&
         special_[static_cast<std::size_t>(id)];
}

}  // namespace strop::trainer
