// Preference pairs and other training texts as the trainer uses them: turned to tokens.
//
// Values and free functions; one thread (the tokenizer keeps a cache). Lengths are tokens unless
// they say characters. A prompt is cut as in serving (tokenizer/prompt.h), one that is taken as it
// stands from its left, a text at its end, a completion never: what does not fit is left out and
// counted. Errors: a message that names the file and the line of what is no pair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "schema/fim.h"
#include "schema/preference_pair.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

struct Record;  // trainer/records.h

// FILE as `strop-collector export --format strop` writes it. Blank lines are passed over.
tl::expected<std::vector<schema::PreferencePair>, std::string> read_pairs(const std::string& file);

// Prompt and completions are tokenized apart, as they are when the model is asked: it sees the
// prompt's tokens alone and goes on from there. Of kto a pair is one example: `chosen` is its
// completion, and `rejected` another example's, which tells how far the policy has drifted; sft
// looks at `chosen` alone.
struct TokenPair {
  std::vector<TokenId> prompt;
  std::vector<bool> special;  // of the prompt's tokens: the template's own; empty: none are
  std::vector<TokenId> chosen;
  std::vector<TokenId> rejected;
  bool wanted = true;  // the label of kto
  // What the preference term compares (trainer/compared_tokens.h); empty: all.
  std::vector<bool> chosen_compared;
  std::vector<bool> rejected_compared;
  bool compares = true;  // anything at all
  double epsilon = 0;
  double weight = 1;  // relative to the others: the mean over all pairs is 1
};

struct DataOptions {
  schema::FimFamily family = schema::FimFamily::kStrop;
  std::int64_t context = 224;  // tokens of a prompt and its longer completion
  bool with_heldout = false;   // these too are turned to tokens
};

struct TokenPairs {
  std::vector<TokenPair> pairs;
  std::vector<TokenPair> heldout_pairs;
  // Of all that is not held out, what was left out:
  std::size_t heldout = 0;   // kept to measure on
  std::size_t too_long = 0;  // a completion of more than half the context, or than all of it behind
                             // a prompt that is taken as it stands
  std::size_t alike = 0;     // an empty side, or two of the same tokens
  std::size_t weightless = 0;
  std::size_t cut = 0;  // not left out, but its prompt or text lost what did not fit
};

// A chosen completion ends with its line break where another pair's prefix shows it
// (trainer/line_ends.h); the rejected one, which nobody wrote on, never does.
// Throws std::invalid_argument when a pair has text behind the cursor and the tokenizer lacks the
// family's special tokens.
TokenPairs tokenize_pairs(const Tokenizer& tokenizer,
                          const std::vector<schema::PreferencePair>& pairs,
                          const DataOptions& options);

// The same of other forms. What is taken as it stands is read as the reference tokenizer reads
// text, with special tokens by their names, and its completion ends with the family's end token; a
// text is a prompt of its first token and what follows.
TokenPairs tokenize_records(const Tokenizer& tokenizer, const std::vector<Record>& records,
                            const DataOptions& options);

// Whether the completion surely ends where `chosen` does, so that the end token is taught: only
// when the text behind the cursor goes on in the same line. Elsewhere a pair's sides are cut to the
// same number of lines, or end where the developer took part of a suggestion, and the text goes on.
bool ends_at_suffix(const schema::PreferencePair& pair);

}  // namespace strop::trainer
