#include "trainer/tokenizer/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <utf8proc.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace strop::trainer {
namespace {

using nlohmann::json;

// GPT-2's pattern, which ByteLevel means by use_regex.
constexpr const char* kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Length of the longest valid UTF-8 beginning of `text`.
std::size_t valid_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    utf8proc_int32_t code = 0;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
    const auto step =
        utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - at), &code);
    if (step <= 0) break;
    at += static_cast<std::size_t>(step);
  }
  return at;
}

std::string nfc(std::string_view text) {
  utf8proc_uint8_t* out = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &out,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) return std::string(text);
  std::string result(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
  std::free(out);
  return result;
}

}  // namespace

// One compiled regular expression.
class Pattern {
 public:
  explicit Pattern(const std::string& text) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                          PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr);
    if (code_ == nullptr) throw std::runtime_error("the pattern '" + text + "' does not compile");
    pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);
    match_ = pcre2_match_data_create(1, nullptr);
  }
  ~Pattern() {
    pcre2_match_data_free(match_);
    pcre2_code_free(code_);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // The next match at or after `from` in valid UTF-8; false when there is none.
  bool find(std::string_view text, std::size_t from, std::size_t& begin, std::size_t& end) const {
    const int found = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                  from, PCRE2_NO_UTF_CHECK, match_, nullptr);
    if (found < 0) return false;
    const PCRE2_SIZE* at = pcre2_get_ovector_pointer(match_);
    begin = at[0];
    end = at[1];
    return end > begin;
  }

 private:
  pcre2_code* code_ = nullptr;
  pcre2_match_data* match_ = nullptr;
};

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
    throw std::runtime_error("normalizer '" + type + "' is not supported (NFC is)");
}

void PreTokenizer::add(const json& in) {
  if (in.is_null()) return;
  const std::string type = in.at("type");
  if (type == "Sequence") {
    for (const json& one : in.at("pretokenizers")) add(one);
  } else if (type == "ByteLevel") {
    byte_level_ = true;
    prefix_space_ = prefix_space_ || in.value("add_prefix_space", false);
    if (in.value("use_regex", true)) steps_.push_back({std::make_shared<Pattern>(kGpt2)});
  } else if (type == "Split") {
    const json& pattern = in.at("pattern");
    if (!pattern.contains("Regex"))
      throw std::runtime_error("a Split by string is not supported (by Regex is)");
    const std::string behavior = in.at("behavior");
    if (behavior != "Isolated" && behavior != "Removed")
      throw std::runtime_error("Split behavior '" + behavior +
                               "' is not supported (Isolated and Removed are)");
    steps_.push_back({std::make_shared<Pattern>(pattern.at("Regex").get<std::string>()),
                      behavior == "Removed" ? Behavior::kRemoved : Behavior::kIsolated,
                      in.value("invert", false)});
  } else if (type == "Digits") {
    steps_.push_back({std::make_shared<Pattern>(
        in.value("individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)")});
  } else if (type == "Punctuation") {
    steps_.push_back({std::make_shared<Pattern>(R"([\p{P}!-/:-@\[-`{-~])")});
  } else {
    throw std::runtime_error(
        "pre_tokenizer '" + type +
        "' is not supported (ByteLevel, Split, Digits, Punctuation and Sequence are)");
  }
}

void PreTokenizer::split(std::string_view text,
                         const std::function<void(std::string_view)>& piece) const {
  while (!text.empty()) {
    const std::size_t valid = valid_prefix(text);
    if (valid > 0) {
      std::string owned;
      std::string_view part = text.substr(0, valid);
      if (nfc_ || (prefix_space_ && part.front() != ' ')) {
        owned = nfc_ ? nfc(part) : std::string(part);
        if (prefix_space_ && owned.front() != ' ') owned.insert(0, 1, ' ');
        part = owned;
      }
      apply(0, part, piece);
      text.remove_prefix(valid);
    }
    if (!text.empty()) {
      piece(text.substr(0, 1));
      text.remove_prefix(1);
    }
  }
}

void PreTokenizer::apply(std::size_t step, std::string_view text,
                         const std::function<void(std::string_view)>& piece) const {
  if (text.empty()) return;
  if (step == steps_.size()) return piece(text);
  const Step& current = steps_[step];
  const auto matched = [&](std::string_view part) {
    if (current.behavior == Behavior::kIsolated || current.invert) apply(step + 1, part, piece);
  };
  const auto between = [&](std::string_view part) {
    if (current.behavior == Behavior::kIsolated || !current.invert) apply(step + 1, part, piece);
  };
  std::size_t at = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  while (at < text.size() && current.pattern->find(text, at, begin, end)) {
    between(text.substr(at, begin - at));
    matched(text.substr(begin, end - begin));
    at = end;
  }
  between(text.substr(at));
}

}  // namespace strop::trainer
