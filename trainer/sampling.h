// From a row of logits to the next token, and from tokens to a text that knows when to end.
//
// A Sampler owns its random numbers: the same seed gives the same tokens on every machine. A
// CompletionBuilder owns the text so far. One thread. Errors: logits without a finite probability
// throw std::runtime_error (damaged weights).
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

struct TokenChoice {
  TokenId token = 0;
  double log_prob = 0;  // the model's own, whatever the temperature
  std::vector<std::pair<TokenId, double>> alternatives;  // likeliest first, when asked for
};

struct SamplerOptions {
  double temperature = 0;  // 0: always the likeliest, of equals the smallest id
  double top_p = 1;       // the smallest set of tokens with this probability (Holtzman et al. 2020)
  std::size_t top_k = 0;  // of the so many likeliest tokens (Fan et al. 2018); 0: of all
  std::uint64_t seed = 0;
  std::size_t alternatives = 0;
};

class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {}

  TokenChoice choose(std::span<const float> logits);

 private:
  TokenId draw(std::span<const float> logits);

  SamplerOptions options_;
  std::mt19937_64 random_;
};

enum class Finish { kStop, kLength, kCancelled };

struct Completion {
  std::string text;                 // ends before the stop text, bytes as they came
  std::vector<TokenChoice> tokens;  // without the special token that ended it
  Finish finish = Finish::kLength;
  std::string stop;  // the stop text that ended it; empty: something else did
};

// What a completion has gained.
struct CompletionPiece {
  std::string text;
  std::vector<TokenChoice> tokens;
  std::optional<Finish> finish;  // of the last piece
  std::string stop;              // as a completion's
};

class CompletionBuilder {
 public:
  CompletionBuilder(const Tokenizer& tokenizer, const std::vector<std::string>& stops,
                    std::int64_t max_tokens);

  // Takes the next token; true while more are wanted. Any special token ends the completion.
  bool add(TokenChoice choice);
  void cancel();
  // What came since the last take, for a reader who cannot be told to forget a text: of a
  // completion that goes on, without what may be the beginning of a stop text or of a character.
  CompletionPiece take();
  Completion finish() { return std::move(out_); }
  bool done() const { return done_; }
  std::size_t tokens() const { return out_.tokens.size(); }
  TokenId last() const { return out_.tokens.back().token; }

 private:
  void end(Finish finish);
  std::size_t settled() const;

  const Tokenizer& tokenizer_;
  const std::vector<std::string>& stops_;
  std::size_t longest_stop_ = 0;
  std::int64_t max_tokens_;
  Completion out_;
  bool done_ = false;
  std::size_t taken_text_ = 0;
  std::size_t taken_tokens_ = 0;
};

}  // namespace strop::trainer
