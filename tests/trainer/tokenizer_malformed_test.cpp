// A tokenizer.json that is not one ends in a message that names the file and says what to do; what
// would be read otherwise than the reference reads it is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "temporary_folder.h"
#include "trainer/tokenizer/oniguruma.h"
#include "trainer/tokenizer/pattern.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const std::string kGood =
    read_bytes(std::string(STROP_TESTS_DIR) + "/trainer/golden/tokenizers/llama3.json");

std::string changed(const char* pointer, const json& to) {
  json file = json::parse(kGood);
  file[json::json_pointer(pointer)] = to;
  return file.dump();
}

std::string without(const char* part, const char* key) {
  json file = json::parse(kGood);
  file[json::json_pointer(part)].erase(key);
  return file.dump();
}

std::string nested(int levels, const std::string& in) {
  std::string open;
  std::string close;
  for (int i = 0; i < levels; ++i) {
    open += R"({"type":"Sequence","normalizers":[)";
    close += "]}";
  }
  return open + in + close;
}

struct Malformed {
  const char* what;
  std::string bytes;
  const char* message;
};

TEST(MalformedTokenizer, EndsInAMessageThatNamesTheFile) {
  const std::string split = R"({"type":"Split","behavior":"Isolated","invert":false,"pattern":)";
  const auto pattern = [&](const std::string& text) {
    return changed("/pre_tokenizer/pretokenizers/0", json::parse(split + text + "}"));
  };
  const std::string deep = kGood.substr(0, kGood.rfind('}')) + R"(,"normalizer":)" +
                           nested(100'000, R"({"type":"NFC"})") + "}";
  const Malformed kMalformed[] = {
      {"empty", "", "is not JSON"},
      {"cut short", kGood.substr(0, kGood.size() / 2), "is the file cut short? Copy it again"},
      {"not UTF-8", "{\"model\": \"\xff\xfe\"}", "is not JSON"},
      {"a list", "[]", "copy the model's folder again"},
      {"no model", without("", "model"), "'model' not found"},
      {"no vocabulary", without("/model", "vocab"), "'vocab' not found"},
      {"no merges", without("/model", "merges"), "'merges' not found"},
      {"a vocabulary of one", changed("/model/vocab", {{"a", 0}}), "lacks byte 0"},
      {"a byte is missing", without("/model/vocab", "A"), "lacks byte 65"},
      {"a token is missing", without("/model/vocab", "th"), "names what the vocabulary lacks"},
      {"a merge of one side", changed("/model/merges/0", "ab"), "has no two sides"},
      {"a merge that is a number", changed("/model/merges/0", 3), "save it anew"},
      {"a negative id", changed("/model/vocab/A", -5), "the impossible id -5"},
      {"an id beyond memory", changed("/model/vocab/A", 1LL << 40), "the impossible id"},
      {"an id with a fraction", changed("/model/vocab/A", 1.5), "no whole number"},
      {"an id that is text", changed("/model/vocab/A", "7"), "no whole number"},
      {"an added token without text", changed("/added_tokens/0/content", ""), "is empty"},
      {"an added token without id", without("/added_tokens/0", "id"), "'id' not found"},
      {"a single_word token", changed("/added_tokens/0/single_word", true), "not supported"},
      {"a start beyond the vocabulary",
       changed("/post_processor/processors/1/special_tokens/<|begin_of_text|>/ids/0", 3'000'000),
       "which the vocabulary lacks"},
      {"WordPiece", changed("/model/type", "WordPiece"), "kind 'WordPiece' are not supported"},
      {"byte_fallback", changed("/model/byte_fallback", true), "byte_fallback is not supported"},
      {"dropout", changed("/model/dropout", 0.1), "set it to null"},
      {"a suffix", changed("/model/end_of_word_suffix", "</w>"), "end_of_word_suffix"},
      {"a normalizer", changed("/normalizer", {{"type", "Lowercase"}}), "'Lowercase' is not"},
      {"a pre_tokenizer", changed("/pre_tokenizer", {{"type", "Metaspace"}}), "'Metaspace' is not"},
      {"no pre_tokenizer", changed("/pre_tokenizer", nullptr), "not byte-level"},
      {"a decoder", changed("/decoder", {{"type", "WordPiece"}}), "decoder 'WordPiece'"},
      {"a post_processor", changed("/post_processor", {{"type", "BertProcessing"}}), "'BertProc"},
      {"a behavior", changed("/pre_tokenizer/pretokenizers/0/behavior", "Odd"), "'Odd' is not"},
      {"a pattern that does not compile", pattern(R"({"Regex":"(a"})"), "does not compile"},
      {"a script nobody knows", pattern(R"({"Regex":"\\p{Klingon}"})"), "does not compile"},
      {"classes in classes", pattern(R"({"Regex":"[a[b]]"})"), "write it otherwise"},
      {"nested too deep", deep, "nests deeper"},
  };
  const TemporaryFolder folder;
  for (const Malformed& malformed : kMalformed) {
    write_bytes(folder / "tokenizer.json", malformed.bytes);
    const auto tokenizer = Tokenizer::load(folder.path());
    ASSERT_FALSE(tokenizer) << malformed.what;
    EXPECT_THAT(tokenizer.error(),
                AllOf(HasSubstr(folder / "tokenizer.json"), HasSubstr(malformed.message)))
        << malformed.what;
  }
  EXPECT_TRUE(Tokenizer::from_json(json::parse(kGood)));
}

TEST(MalformedTokenizer, EveryCutIsRefused) {
  const TemporaryFolder folder;
  const std::string good = json::parse(kGood).dump();
  for (std::size_t size = 0; size < good.size(); size += 97) {
    write_bytes(folder / "tokenizer.json", good.substr(0, size));
    EXPECT_FALSE(Tokenizer::load(folder.path())) << size;
  }
}

TEST(MalformedTokenizer, AMissingFileIsNamed) {
  const auto tokenizer = Tokenizer::load("/nowhere");
  ASSERT_FALSE(tokenizer);
  EXPECT_THAT(tokenizer.error(), HasSubstr("/nowhere"));
}

// The text cut as Split of tokenizers 0.22.2 cuts it, matches and what lies between them.
std::vector<std::string> cut(const std::string& pattern, const std::string& text) {
  const Pattern compiled(pattern);
  std::vector<std::string> out;
  std::size_t at = 0;
  while (const auto match = compiled.find(text, at)) {
    if (match->begin > at) out.push_back(text.substr(at, match->begin - at));
    out.push_back(text.substr(match->begin, match->end - match->begin));
    at = match->end;
  }
  if (at < text.size()) out.push_back(text.substr(at));
  return out;
}

TEST(Oniguruma, RepeatsAreWhatTheReferenceMakesOfThem) {
  struct Case {
    const char* pattern;
    const char* text;
    std::vector<std::string> pieces;  // printed by pre_tokenizers.Split(Regex(…), "isolated")
  };
  const Case kCases[] = {
      {R"(\p{N}{1,3}+)", "12345678a", {"12345678", "a"}},
      {R"(\p{N}{1,3}+8)", "12345678a", {"12345678", "a"}},
      {R"(x{2}?y)", "xxxyxy", {"x", "xxy", "x", "y"}},
      {R"(x{2}?y)", "axy", {"ax", "y"}},
      {R"(x{2}+x)", "xxxxx", {"xxxxx"}},
      {R"(x{2}?+y)", "xxxxy y", {"xx", "xxy", " ", "y"}},
      {R"(x{1,2}?y)", "xxxy", {"x", "xxy"}},
      {R"(x{2,2}?y)", "xxy y", {"xxy", " y"}},
      {R"(é{1,2}+z)", "ééééz", {"ééééz"}},
      {R"(\x41{1,2}+z)", "AAAAz", {"AAAAz"}},
      {R"(\x{41}{1,2}+z)", "AAAAz", {"AAAAz"}},
      {R"((?:a(b)){1,2}+b)", "abababb", {"abababb"}},
      {R"([ab]{1,2}+b)", "ababb", {"ababb"}},
      {R"(\{1,2}+)", "{1,2}}}", {"{1,2}}}"}},
      {R"(a(x{1,2}+|b)c)", "axxxxxc ac", {"axxxxxc", " ac"}},
      {R"(x{1,2}+?y)", "xxxxy", {"xxxxy"}},
      {R"(\u0041{2}+z)", "AAAAz", {"AAAAz"}},
  };
  for (const Case& one : kCases) EXPECT_EQ(cut(one.pattern, one.text), one.pieces) << one.pattern;
  for (const char* refused : {"x{2}{2}?y", "x++{2}z"})  // a repeat of a repeat
    EXPECT_THROW(Pattern{refused}, std::runtime_error) << refused;
}

TEST(Oniguruma, IsTranslatedWhereThePcre2ReadsOtherwise) {
  const std::pair<const char*, const char*> kSame[] = {
      {"a+[b-d]?(?:e|f)(?=g)(?<!h)$", "a+[b-d]?(?:e|f)(?=g)(?<!h)$"},
      {"[]^a]", "[]^a]"},
      {R"(\s[^\s\n]\S)", R"([\p{White_Space}][^\p{White_Space}\n][^\p{White_Space}])"},
      {R"(\h[\h_])", "[0-9a-fA-F][0-9a-fA-F_]"},
      {R"(\v\u00e9\[\])", R"(\x0B\x{00e9}\[\])"},
      {R"(\p{Han}\P{Zs}\p{^Zl})", R"([\p{sc:Han}][^\p{Zs}][^\p{Zl}])"},
      {R"((?i:x))", R"((?i:x))"},
  };
  for (const auto& [from, to] : kSame) EXPECT_EQ(to_pcre2(from), to);
  EXPECT_THAT(to_pcre2(R"([\p{L}])"), HasSubstr(R"(\x{31350}-\x{323AF})"));  // Unicode 15
  for (const char* refused : {"a{,2}", R"(\bx)", R"(\X)", "[[:alpha:]]", "[a&&b]", "(?m).", "(?x)a",
                              "a(?i)b", R"([\W])", R"([\P{L}])", R"(\p)", R"(\p{L)", "a\\"})
    EXPECT_THROW(to_pcre2(refused), std::runtime_error) << refused;
}

}  // namespace
}  // namespace strop::trainer
