// The table of secret rules: what to look for and when to believe it.
//
// Constant data, any thread. A pattern has one group: the secret. Patterns are RE2's, `(?i)` where
// case does not matter; at least one keyword stands in whatever the pattern is meant to match, in
// any case of letters unless it has capitals itself; it has at least three characters. Names never
// change their meaning. Errors: a rule that breaks this is an exception at the first use.
#pragma once

#include <string_view>
#include <vector>

namespace strop::schema {

// How much a match has to prove.
enum class SecretProof {
  kForm,      // the form is proof, but for plain placeholders
  kPassword,  // letters and digits or signs, no placeholder
  kRandom,    // looks random: digits among letters, no words, no placeholder; one word, as
              // random_word.h has it, of eight characters or more
};

struct SecretRule {
  std::string_view name;
  std::vector<std::string_view> keywords;
  std::string_view pattern;
  SecretProof proof = SecretProof::kForm;
  double entropy = 0;  // bits a character, at least
};

const std::vector<SecretRule>& secret_rule_table();

}  // namespace strop::schema
