// The privacy gate: of a secret that the cursor cuts, wherever that is, nothing is left in any part
// of an offer, of what is said of it later, or of a request; and of files, names come to a whole
// path or to none, and the last word of an ignore file counts.
//
// The input is text with holes (made_secrets.h); where the cursor stands is drawn from it.
#include <algorithm>

#include "agent/privacy/event_scrubber.h"
#include "agent/privacy/file_judge.h"
#include "agent/privacy/ignore_rules.h"
#include "driver.h"
#include "made_secrets.h"

namespace {

using namespace strop::agent;
using namespace strop::schema;
using namespace strop::fuzz;

// So much of a secret is nowhere by chance.
constexpr std::size_t kTelling = 10;

void check_gone(std::string_view text, std::string_view secret) {
  for (std::size_t at = 0; at + kTelling <= secret.size(); ++at)
    require(text.find(secret.substr(at, kTelling)) == std::string_view::npos,
            "nothing of a secret that the cursor cuts is left");
}

// A text with a secret on a line of its own, where nothing around it is an excuse, in three parts.
struct Cut {
  std::string secret;
  std::string before;
  std::string text;  // what is offered
  std::string after;
  // The beginning of the text that was typed already, and the end of it that stands there.
  std::string typed;
  std::string behind;
};

Cut cut_by(std::uint64_t chance, const std::string& text) {
  const auto draw = [&chance](std::size_t end) {
    chance = chance * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>((chance >> 33) % end);
  };
  Cut cut;
  const std::size_t at = draw(text.size() + 1);
  const std::size_t kind = draw(kKinds);
  cut.secret = secret_of(kind, at + kNoHole);
  std::string all = text.substr(0, at) + '\n';
  if (kind == kKinds - 1) all += std::string("-----BEGIN ") + "PRIVATE KEY-----\n";
  const std::size_t begin = all.size();
  all += cut.secret + '\n' + text.substr(at);
  const std::size_t from = begin + draw(cut.secret.size() + 1);
  const std::size_t to = from + draw(begin + cut.secret.size() - from + 1);
  cut.before = all.substr(0, from);
  cut.text = all.substr(from, to - from);
  cut.after = all.substr(to);
  cut.typed = cut.text.substr(0, draw(cut.text.size() + 1));
  cut.behind = cut.text.substr(cut.text.size() - draw(cut.text.size() - cut.typed.size() + 1));
  return cut;
}

Event event_of(decltype(Event::body) body) {
  Event event;
  event.suggestion = "s1";
  event.body = std::move(body);
  return event;
}

// With `typed` before the cursor and `behind` at it, which the offer replaces.
void check_offer(const Cut& cut, const std::string& typed, const std::string& behind) {
  EventScrubber scrubber(scan_secrets);
  Offered offered;
  offered.prefix = cut.before + typed;
  offered.suffix = behind + cut.after;
  offered.candidates.push_back({cut.text, typed + behind, 0, {}});
  const Event passed = scrubber.scrubbed(event_of(offered));
  const auto& out = std::get<Offered>(passed.body);
  const Candidate& candidate = out.candidates[0];
  for (const std::string& part : {out.prefix, out.suffix, candidate.text, candidate.replaces})
    check_gone(part, cut.secret);
  Outcome outcome;
  outcome.text = cut.text;
  check_gone(std::get<Outcome>(scrubber.scrubbed(event_of(outcome)).body).text, cut.secret);
  Settled settled;
  settled.text = cut.text;
  check_gone(std::get<Settled>(scrubber.scrubbed(event_of(settled)).body).text, cut.secret);
}

void check_request(const Cut& cut) {
  const auto [before, after] =
      EventScrubber(scan_secrets).scrubbed(cut.before, cut.text + cut.after);
  check_gone(before, cut.secret);
  check_gone(after, cut.secret);
}

void check_names(const std::string& text) {
  if (const auto path = path_of_uri("file://" + text))
    require(path->is_absolute() && std::find(path->begin(), path->end(), "..") == path->end(),
            "the path of a URI is whole");
  require(IgnoreRules(text + "\nlast.txt\n").ignores("a/last.txt").has_value(),
          "what the last pattern ignores is ignored");
  require(!IgnoreRules(text + "\n!last.txt\n").ignores("last.txt").has_value(),
          "what the last pattern takes back is not ignored");
}

std::uint64_t run(std::string_view input) {
  const std::string text = filled(input);
  const Cut cut = cut_by(hash_of(input), text);
  check_offer(cut, "", "");
  check_offer(cut, cut.typed, cut.behind);
  check_request(cut);
  check_names(text);
  std::uint64_t rules = 0;
  for (const SecretHit& hit : scan_secrets(cut.before + cut.text + cut.after))
    rules |= 1ULL << hash_of(hit.rule) % 64;
  return rules;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words{"client_secret = \"",
                                 "password: '",
                                 "-----BEGIN ",
                                 "PRIVATE KEY-----\n",
                                 "-----END ",
                                 "«REDACTED:",
                                 "»",
                                 "\x01",
                                 "\n",
                                 "/",
                                 "..",
                                 "%2e",
                                 "%00",
                                 "**/",
                                 "*",
                                 "!",
                                 "[a-z]",
                                 "\\"};
  return drive({.run = run, .words = std::move(words), .max_size = 4096}, argc, argv);
}
