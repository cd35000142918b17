#include "schema/enrol_token.h"

#include <sstream>

namespace strop::schema {

std::string token_text(const EnrolToken& token, const std::string& comment) {
  return "# " + comment + "\ncollector " + token.collector + "\npublic " + token.key.public_key +
         "\nsecret " + token.key.secret_key + "\n";
}

tl::expected<EnrolToken, std::string> parse_token(const std::string& text) {
  constexpr const char* kAdvice = "; give what `strop-collector enrol NAME` printed, as it is";
  EnrolToken token;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    const std::string value = space == std::string::npos ? "" : line.substr(space + 1);
    std::string* const field = name == "collector" ? &token.collector
                               : name == "public"  ? &token.key.public_key
                               : name == "secret"  ? &token.key.secret_key
                                                   : nullptr;
    // The value may be a secret: not told.
    if (field == nullptr || !is_curve_key(value))
      return tl::unexpected(std::string("not a token") + kAdvice);
    *field = value;
  }
  if (token.collector.empty() || token.key.public_key.empty() || token.key.secret_key.empty())
    return tl::unexpected(std::string("a line of the token is missing") + kAdvice);
  return token;
}

}  // namespace strop::schema
