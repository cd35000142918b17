// A tokenizer.json: any bytes give a tokenizer or a message; a tokenizer gives ids of its
// vocabulary for any bytes, the same ones twice, and without normalizer and blanks put in front
// their text again.
//
// The first line of the input is JSON that is laid over a small good file, key by key (a list takes
// its place); the rest is the text.
#include <algorithm>
#include <stdexcept>

#include "driver.h"
#include "trainer/tokenizer/tokenizer.h"

namespace {

using namespace strop::trainer;
using nlohmann::json;
using strop::fuzz::hash_of;
using strop::fuzz::require;

constexpr std::size_t kText = 64;  // bytes: a hostile pattern may take as many steps as it likes

// The bytes, and one merge.
json small_file() {
  json vocab = json::object();
  for (int byte = 0; byte < 256; ++byte)
    vocab[to_byte_level(std::string(1, static_cast<char>(byte)))] = byte;
  vocab["ab"] = 256;
  return {{"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"a b"}}}},
          {"added_tokens", {{{"id", 257}, {"content", "<x>"}, {"special", true}}}},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}}};
}

std::uint64_t run(std::string_view input) {
  static const json kSmall = small_file();
  const std::size_t line = std::min(input.find('\n'), input.size());
  const json patch = json::parse(input.substr(0, line), nullptr, false);
  json file = kSmall;
  if (patch.is_object()) file.merge_patch(patch);
  const auto tokenizer = Tokenizer::from_json(patch.is_array() ? patch : file);
  if (!tokenizer) return hash_of(std::string_view(tokenizer.error()).substr(0, 12));
  std::string_view text = input.substr(std::min(line + 1, input.size()));
  text = text.substr(0, kText);
  std::vector<TokenId> ids;
  try {
    ids = tokenizer->encode(text);
    require(tokenizer->encode(text) == ids, "the same text has the same ids");
    tokenizer->encode_with_added(text);
  } catch (const std::runtime_error&) {
    return 2;  // a pattern that gave up
  }
  for (const TokenId id : ids)
    require(id >= 0 && static_cast<std::size_t>(id) < tokenizer->vocab_size(), "ids are known");
  if (!patch.is_object() || patch.empty())
    require(tokenizer->decode(ids) == text, "decode gives the text back");
  return 3 + (ids.size() << 8);
}

}  // namespace

int main(int argc, char** argv) {
  return strop::fuzz::drive(
      {.run = run,
       .words = {"{", "}", "\"pre_tokenizer\":", "\"normalizer\":", "\"type\":", "\"Split\"",
                 "\"Sequence\"", "\"pretokenizers\":[", "\"pattern\":{\"Regex\":\"",
                 "\"behavior\":\"Isolated\"", "\"added_tokens\":[", "\"content\":\"", "\"id\":",
                 "\"merges\":[\"a b\"]", "\"vocab\":{", "\\\\p{L}", "\\\\s+(?!\\\\S)", "ab", "\n"},
       .max_size = 2048},
      argc, argv);
}
