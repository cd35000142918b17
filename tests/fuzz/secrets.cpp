// Secrets: none that was put in is left, nothing else is harmed, and time is linear in the text.
//
// The input is text with holes (made_secrets.h).
#include "schema/secrets.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "driver.h"
#include "made_secrets.h"

namespace {

using namespace strop::schema;
using namespace strop::fuzz;

bool is_utf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

// On a line of its own in the middle of the text, where nothing around it is an excuse.
void check_planted(std::string_view text, std::size_t at, std::size_t kind) {
  const std::string secret = secret_of(kind, at + kNoHole);
  const std::string begin = std::string("-----BEGIN ") + "PRIVATE KEY-----\n";
  const bool key = kind % kKinds == kKinds - 1;
  std::string with(text.substr(0, at));
  with += '\n' + (key ? begin : "") + secret + '\n';
  with += text.substr(at);
  require(scrub_secrets(with).find(secret) == std::string::npos, "no secret planted is left");
}

void check_hits(const std::string& text, const std::string& scrubbed,
                const std::vector<SecretHit>& hits) {
  const auto rules = secret_rules();
  std::string expected;
  std::size_t last = 0;
  for (const SecretHit& hit : hits) {
    require(last <= hit.begin && hit.begin < hit.end && hit.end <= text.size(),
            "hits are in order, apart, within the text");
    require(std::find(rules.begin(), rules.end(), hit.rule) != rules.end(),
            "a rule is a known one");
    expected += text.substr(last, hit.begin - last);
    expected += std::string(kRedactedMark) + std::string(hit.rule) + "»";
    last = hit.end;
  }
  require(scrubbed == expected + text.substr(last), "what is no secret stays as it is");
}

// What is scrubbed stays scrubbed. A mark is shorter than its secret and may bring the two halves
// of a line that only looked like a key's together: then the next pass takes more, and soon no
// more.
void check_settles(const std::string& scrubbed) {
  constexpr int kPasses = 3;
  std::string before = scrubbed;
  for (int pass = 0; pass < kPasses; ++pass) {
    std::string after = scrub_secrets(before);
    if (after == before) return;
    before = std::move(after);
  }
  strop::fuzz::fail("what is scrubbed stays scrubbed");
}

double seconds_to_scan(const std::string& text) {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double began = now();
  scan_secrets(text);
  return now() - began;
}

// The same again and again, so that a search which starts over at each finds itself squared. Of
// processor time a ratio in one run: eight times the text takes eight times as long; three times
// that is allowed, and whatever is too short to be measured.
void check_linear(const std::string& text) {
  constexpr std::size_t kSmall = 16u << 10;
  constexpr std::size_t kTimes = 8;
  constexpr double kMeasurable = 0.2;
  if (text.empty()) return;
  std::string large;
  while (large.size() < kTimes * kSmall) large += text;
  const std::string small = large.substr(0, large.size() / kTimes);
  if (seconds_to_scan(large) < kMeasurable) return;
  const double few = std::max(seconds_to_scan(small), seconds_to_scan(small));
  const double many = std::min(seconds_to_scan(large), seconds_to_scan(large));
  require(many < 3 * kTimes * few, "time is linear in the text");
}

std::uint64_t run(std::string_view input) {
  const std::string text = filled(input);
  const std::uint64_t chance = strop::fuzz::hash_of(input);
  const std::vector<SecretHit> hits = scan_secrets(text);
  const std::string scrubbed = scrub_secrets(text);
  check_hits(text, scrubbed, hits);
  if (is_utf8(text)) require(is_utf8(scrubbed), "UTF-8 stays UTF-8");
  check_settles(scrubbed);
  check_planted(text, chance % (text.size() + 1), chance >> 32);
  // By chance, and where the input itself is the same twice over.
  const bool twice = text.substr(0, text.size() / 2) == text.substr((text.size() + 1) / 2);
  if (twice || chance % 16 == 0) check_linear(text);
  std::uint64_t rules = 0;
  for (const SecretHit& hit : hits) rules |= 1ULL << strop::fuzz::hash_of(hit.rule) % 64;
  return rules;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words{"aws_secret_access_key = ",
                                 "AccountKey=",
                                 "AccountName=",
                                 "sharedaccesskey=",
                                 "?sig=",
                                 "8Q~",
                                 "GOCSPX-",
                                 "ya29.",
                                 "dop_v1_",
                                 "LTAI",
                                 "github_pat_",
                                 "_authToken=",
                                 "pypi-AgEIcHlwaS5vcmc",
                                 "dckr_pat_",
                                 "hvs.",
                                 "xoxb-",
                                 "https://hooks.slack.com/services/T",
                                 "bot",
                                 ":AA",
                                 "sk_live_",
                                 "SK",
                                 "TWILIO_AUTH_TOKEN=",
                                 "SG.",
                                 "key-",
                                 "sk-ant-api03-",
                                 "sk-proj-",
                                 "T3BlbkFJ",
                                 "hf_",
                                 "dapi",
                                 "eyJ",
                                 ".eyJ",
                                 "postgres://app:",
                                 "@db.internal:5432",
                                 "Authorization: Bearer ",
                                 "Password=",
                                 "machine a login b password ",
                                 "\"password\": \"",
                                 "client_secret = \"",
                                 "API_TOKEN=",
                                 "AGE-SECRET-KEY-1",
                                 "«REDACTED:",
                                 "»",
                                 "\"",
                                 "'",
                                 "\n",
                                 "\\n",
                                 "= ",
                                 ": ",
                                 "ä",
                                 "\xff",
                                 "xxxx",
                                 "example",
                                 "${",
                                 "-----",
                                 "PRIVATE KEY-----"};
  words.push_back(std::string("-----BEGIN ") + "PRIVATE KEY-----\n");
  words.push_back(std::string("-----END ") + "RSA PRIVATE KEY-----");
  words.push_back(std::string("-----BEGIN "));
  words.push_back(std::string("-----END "));
  for (char kind = 0; kind < static_cast<char>(kKinds); ++kind)
    words.push_back(std::string{kHole, kind});
  return strop::fuzz::drive({.run = run, .words = std::move(words), .max_size = 2048}, argc, argv);
}
