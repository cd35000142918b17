// Finds secrets in text: access keys, tokens, private keys, passwords in assignments and in URLs.
//
// Pure functions, any thread; the rules are compiled at first use. Offsets are bytes. Text may be
// any bytes, UTF-8 or not. No errors: what is not found is not there by these rules. A keyword
// decides whether a rule is tried, RE2 whether it fits, entropy and a list of placeholders whether
// it is worth hiding. Both ends apply them: the agent before its disk, the collector at ingest, the
// export once more; kSecretRulesVersion says on each event which rules it has seen.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strop::schema {

// Counts up with every change of a rule.
inline constexpr int kSecretRulesVersion = 4;

// What stands in a secret's place begins so: «REDACTED:aws_access_key».
inline constexpr std::string_view kRedactedMark = "«REDACTED:";

struct SecretHit {
  std::string_view rule;  // such as "aws_access_key"; lives as long as the program
  std::size_t begin = 0;
  std::size_t end = 0;  // past the secret
  bool operator==(const SecretHit&) const = default;
};

// In order of place, without overlaps. With these taken out, nothing more is found.
std::vector<SecretHit> scan_secrets(std::string_view text);

// The text with each of these replaced by «REDACTED:rule». `hits`: in order, without overlaps.
std::string redacted(std::string_view text, const std::vector<SecretHit>& hits);

// The text with every secret replaced. Twice is as once.
std::string scrub_secrets(std::string_view text);

// The names of all rules.
std::vector<std::string_view> secret_rules();

}  // namespace strop::schema
