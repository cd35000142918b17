#include "trainer/data.h"

#include <algorithm>
#include <limits>

#include "schema/blank.h"
#include "trainer/line_ends.h"
#include "trainer/records.h"
#include "trainer/tokenizer/prompt.h"

namespace strop::trainer {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::int64_t>::max();

std::vector<TokenId> completion(const Tokenizer& tokenizer, const std::string& text, bool ends,
                                schema::FimFamily family) {
  std::vector<TokenId> out = tokenizer.encode(text);
  if (ends) out.push_back(tokenizer.encode_special(schema::fim_end_token(family)));
  return out;
}

void set_mean_weight_to_one(std::vector<TokenPair>& pairs) {
  double sum = 0;
  for (const TokenPair& pair : pairs) sum += pair.weight;
  for (TokenPair& pair : pairs) pair.weight *= static_cast<double>(pairs.size()) / sum;
}

// Turns one record after another to tokens, and counts what it leaves out.
class Maker {
 public:
  Maker(const Tokenizer& tokenizer, const DataOptions& options)
      : tokenizer_(tokenizer),
        options_(options),
        context_(static_cast<std::size_t>(options.context)) {}

  void learn_line_ends(const Record& record) {
    if (record.form == Record::Form::kStrop && record.pair.split != "heldout")
      line_ends_.learn(record.pair);
  }

  void add(const Record& record) {
    const bool heldout = record.pair.split == "heldout";
    if (heldout) {
      ++out_.heldout;
      if (!options_.with_heldout) return;
    }
    TokenPairs ignored;  // held-out pairs are not what a run leaves out
    TokenPairs& counts = heldout ? ignored : out_;
    if (record.pair.weight == 0) {
      ++counts.weightless;
      return;
    }
    TokenPair one = completions_of(record);
    one.epsilon = record.pair.epsilon;
    one.weight = record.pair.weight;
    one.wanted = record.wanted;
    const std::size_t longer = std::max(one.chosen.size(), one.rejected.size());
    if (record.form != Record::Form::kText && longer > longest_completion(record)) {
      ++counts.too_long;
      return;
    }
    if (!has_something(record, one)) {
      ++counts.alike;
      return;
    }
    counts.cut += set_prompt(record, one, longer) ? 1 : 0;
    for (const TokenId token : one.prompt) one.special.push_back(tokenizer_.is_special(token));
    (heldout ? out_.heldout_pairs : out_.pairs).push_back(std::move(one));
  }

  TokenPairs finish() {
    set_mean_weight_to_one(out_.pairs);
    set_mean_weight_to_one(out_.heldout_pairs);
    return std::move(out_);
  }

 private:
  TokenPair completions_of(const Record& record) const {
    const schema::PreferencePair& pair = record.pair;
    TokenPair out;
    if (record.form != Record::Form::kStrop) {
      out.chosen = whole(pair.chosen);
      if (record.is_pair) out.rejected = whole(pair.rejected);
      return out;
    }
    const bool ends = ends_at_suffix(pair);
    const bool line_ends = !ends && record.wanted && line_ends_.known(pair);
    out.chosen =
        completion(tokenizer_, pair.chosen + (line_ends ? "\n" : ""), ends, options_.family);
    if (record.is_pair) out.rejected = completion(tokenizer_, pair.rejected, ends, options_.family);
    return out;
  }

  // What is taken as it stands, to its end.
  std::vector<TokenId> whole(const std::string& text) const {
    std::vector<TokenId> out = tokenizer_.encode_with_added(text);
    const TokenId end = tokenizer_.encode_special(schema::fim_end_token(options_.family));
    if (out.empty() || out.back() != end) out.push_back(end);
    return out;
  }

  std::size_t longest_completion(const Record& record) const {
    return record.form == Record::Form::kStrop ? context_ / 2
                                               : context_ - 1 - tokenizer_.start_ids().size();
  }

  static bool has_something(const Record& record, const TokenPair& one) {
    if (record.form == Record::Form::kText) return one.chosen.size() > 1;
    return !record.pair.chosen.empty() &&
           (!record.is_pair || (!record.pair.rejected.empty() && one.chosen != one.rejected));
  }

  // Whether it had to be cut.
  bool set_prompt(const Record& record, TokenPair& one, std::size_t longer) const {
    const schema::PreferencePair& pair = record.pair;
    const std::size_t budget = context_ - longer;
    if (record.form == Record::Form::kStrop) {
      one.prompt = fit_prompt(tokenizer_, options_.family, pair.prefix, pair.suffix, budget);
      return one.prompt.size() == budget &&
             fit_prompt(tokenizer_, options_.family, pair.prefix, pair.suffix, kNoLimit).size() >
                 budget;
    }
    const std::vector<TokenId>& start = tokenizer_.start_ids();
    if (record.form == Record::Form::kText) {
      std::vector<TokenId> text = started(std::move(one.chosen));
      const bool cut = text.size() > context_;
      if (cut) text.resize(context_);
      one.prompt.assign(text.begin(), text.begin() + 1);
      one.chosen.assign(text.begin() + 1, text.end());
      return cut;
    }
    std::vector<TokenId> text = started(tokenizer_.encode_with_added(pair.prefix));
    if (text.empty())
      text.push_back(tokenizer_.encode_special(schema::fim_end_token(options_.family)));
    const bool cut = text.size() > budget;
    if (cut) {
      one.prompt = start;
      text = fit_tokens(std::move(text), budget - start.size());
    }
    one.prompt.insert(one.prompt.end(), text.begin(), text.end());
    return cut;
  }

  // With the tokens in front that the tokenizer puts before every text, once.
  std::vector<TokenId> started(std::vector<TokenId> text) const {
    const std::vector<TokenId>& start = tokenizer_.start_ids();
    if (text.size() < start.size() || !std::equal(start.begin(), start.end(), text.begin()))
      text.insert(text.begin(), start.begin(), start.end());
    return text;
  }

  const Tokenizer& tokenizer_;
  const DataOptions& options_;
  std::size_t context_;
  LineEnds line_ends_;
  TokenPairs out_;
};

}  // namespace

tl::expected<std::vector<schema::PreferencePair>, std::string> read_pairs(const std::string& file) {
  auto records = read_records(file, Method::kDpo);
  if (!records) return tl::unexpected(records.error());
  std::vector<schema::PreferencePair> out;
  for (Record& record : *records) {
    if (record.form != Record::Form::kStrop)
      return tl::unexpected(file +
                            " holds pairs of another form: to measure, export them with "
                            "strop-collector export --format strop");
    out.push_back(std::move(record.pair));
  }
  return out;
}

bool ends_at_suffix(const schema::PreferencePair& pair) {
  const std::string& suffix = pair.suffix;
  return !schema::is_blank(suffix.substr(0, suffix.find('\n'))) &&
         pair.chosen.find('\n') == std::string::npos &&
         pair.rejected.find('\n') == std::string::npos;
}

TokenPairs tokenize_records(const Tokenizer& tokenizer, const std::vector<Record>& records,
                            const DataOptions& options) {
  Maker maker(tokenizer, options);
  for (const Record& record : records) maker.learn_line_ends(record);
  for (const Record& record : records) maker.add(record);
  return maker.finish();
}

TokenPairs tokenize_pairs(const Tokenizer& tokenizer,
                          const std::vector<schema::PreferencePair>& pairs,
                          const DataOptions& options) {
  std::vector<Record> records;
  for (const schema::PreferencePair& pair : pairs) records.push_back({.pair = pair});
  return tokenize_records(tokenizer, records, options);
}

}  // namespace strop::trainer
