#include "trainer/tokenizer/pre_tokenizer.h"

#include <stdexcept>

#include "trainer/tokenizer/utf8.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

// GPT-2's pattern, which ByteLevel means by use_regex.
constexpr const char* kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

}  // namespace

tl::expected<PreTokenizer, std::string> PreTokenizer::from_json(const json& normalizer,
                                                                const json& pre_tokenizer) {
  try {
    PreTokenizer out;
    out.add_normalizer(normalizer);
    out.add(pre_tokenizer);
    if (!out.byte_level_)
      throw std::runtime_error(
          "it is not byte-level (pre_tokenizer has no ByteLevel); only byte-level BPE is "
          "supported");
    return out;
  } catch (const std::exception& error) {
    return tl::unexpected(std::string(error.what()));
  }
}

void PreTokenizer::add_normalizer(const json& in) {
  if (in.is_null()) return;
  const std::string type = in.at("type");
  if (type == "NFC")
    nfc_ = true;
  else if (type == "Sequence")
    for (const json& one : in.at("normalizers")) add_normalizer(one);
  else
    throw std::runtime_error("normalizer '" + type +
                             "' is not supported (NFC, Sequence and none are)");
}

PreTokenizer::Behavior PreTokenizer::behavior_of(const std::string& name) {
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "MergedWithPrevious") return Behavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::kMergedWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  throw std::runtime_error("split behavior '" + name +
                           "' is not supported (Removed, Isolated, MergedWithPrevious, "
                           "MergedWithNext and Contiguous are)");
}

void PreTokenizer::add(const json& in) {
  if (in.is_null()) return;
  const std::string type = in.at("type");
  if (type == "Sequence") {
    for (const json& one : in.at("pretokenizers")) add(one);
    return;
  }
  // ByteLevel respells the text, and what follows would have to split the new spelling.
  if (byte_level_)
    throw std::runtime_error("a pre_tokenizer ('" + type +
                             "') after ByteLevel is not supported (ByteLevel as the last one is)");
  if (type == "ByteLevel") {
    add_byte_level(in);
  } else if (type == "Split") {
    add_split(in);
  } else if (type == "Digits") {
    steps_.push_back({Pattern(R"(\p{N})"), in.value("individual_digits", false)
                                               ? Behavior::kIsolated
                                               : Behavior::kContiguous});
  } else if (type == "Punctuation") {
    steps_.push_back(
        {Pattern(R"([\p{P}!-/:-@\[-`{-~])"), behavior_of(in.value("behavior", "Isolated"))});
  } else {
    throw std::runtime_error(
        "pre_tokenizer '" + type +
        "' is not supported (ByteLevel, Split, Digits, Punctuation and Sequence are)");
  }
}

void PreTokenizer::add_byte_level(const json& in) {
  byte_level_ = true;
  Step step;
  step.prefix_space = in.value("add_prefix_space", true);
  if (in.value("use_regex", true)) step.pattern.emplace(kGpt2);
  if (step.pattern || step.prefix_space) steps_.push_back(std::move(step));
}

void PreTokenizer::add_split(const json& in) {
  const json& pattern = in.at("pattern");
  Step step;
  if (pattern.contains("Regex"))
    step.pattern.emplace(pattern.at("Regex").get<std::string>());
  else
    step.pattern.emplace(Pattern::quoted(pattern.at("String").get<std::string>()));
  step.behavior = behavior_of(in.at("behavior"));
  step.invert = in.value("invert", false);
  steps_.push_back(std::move(step));
}

bool PreTokenizer::normalizes(std::string_view text) const { return nfc_ && !is_ascii(text); }

std::string PreTokenizer::normalize(std::string_view text) const {
  if (!normalizes(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const std::size_t valid = valid_utf8_prefix(text);
    out += nfc(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) break;
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

void PreTokenizer::split(std::string_view text, const Sink& piece) const {
  while (!text.empty()) {
    const std::size_t valid = valid_utf8_prefix(text);
    apply(0, text.substr(0, valid), piece);
    text.remove_prefix(valid);
    if (text.empty()) break;
    piece(text.substr(0, 1));
    text.remove_prefix(1);
  }
}

void PreTokenizer::apply(std::size_t step, std::string_view text, const Sink& piece) const {
  if (text.empty()) return;
  if (step == steps_.size()) return piece(text);
  const Step& current = steps_[step];
  if (!current.prefix_space || text.front() == ' ') return cut(current, step + 1, text, piece);
  std::string spaced(1, ' ');
  spaced += text;
  cut(current, step + 1, spaced, piece);
}

// The step's matches and what lies between them, joined as its behavior says.
void PreTokenizer::cut(const Step& step, std::size_t next, std::string_view text,
                       const Sink& piece) const {
  if (!step.pattern) return apply(next, text, piece);
  std::string_view held;  // a part that may still grow: it touches the next one
  bool held_matched = false;
  const auto flush = [&] {
    if (!held.empty()) apply(next, held, piece);
    held = {};
  };
  const auto joins = [&](bool matched) {
    switch (step.behavior) {
      case Behavior::kMergedWithPrevious:
        return matched && !held_matched;
      case Behavior::kMergedWithNext:
        return held_matched && !matched;
      case Behavior::kContiguous:
        return matched == held_matched;
      case Behavior::kRemoved:
      case Behavior::kIsolated:
        break;
    }
    return false;
  };
  const auto part = [&](std::string_view found, bool in_match) {
    if (found.empty()) return;
    const bool matched = in_match != step.invert;
    if (step.behavior == Behavior::kRemoved && matched) return flush();
    if (!held.empty() && joins(matched)) {
      held = {held.data(), held.size() + found.size()};
    } else {
      flush();
      held = found;
    }
    held_matched = matched;
  };
  std::size_t done = 0;
  for (std::size_t from = 0; from <= text.size();) {
    const auto match = step.pattern->find(text, from);
    if (!match) break;
    part(text.substr(done, match->begin - done), false);
    part(text.substr(match->begin, match->end - match->begin), true);
    done = match->end;
    from = match->end;
    if (match->begin == match->end) {  // an empty match cuts here and the search goes on
      if (from == text.size()) break;
      ++from;
      while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0U) == 0x80U)
        ++from;
    }
  }
  part(text.substr(done), false);
  flush();
}

}  // namespace strop::trainer
