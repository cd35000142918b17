// The tracker: whatever a session holds, a suggestion has one outcome and ends once.
//
// The input is a session as `strop-agent replay` reads it, one message a line; lines that are no
// message are passed over, since most that chance makes are none. {"t_ms":T,"drop":true} stands for
// a drop of the tap, {"t_ms":T} for time alone, {"t_ms":T,"note":ID} for a provider's own answer.
#include "agent/suggestion_tracker.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "driver.h"

namespace {

using nlohmann::json;
using strop::agent::Direction;
using strop::agent::SuggestionTracker;
using strop::agent::TrackerOptions;
using strop::fuzz::require;
using namespace strop::schema;

constexpr std::size_t kMaxPrefix = 8u << 10;
constexpr std::size_t kMaxSuffix = 4u << 10;
constexpr std::size_t kOfferedOfPopup = 20;

// What CONTRACTS and the headers promise of the events of one session, in order.
class Ledger {
 public:
  explicit Ledger(const TrackerOptions& options) : options_(options) {}

  void take(const std::vector<Event>& events) {
    for (const Event& event : events) {
      const std::string text = event_to_json(event).dump();  // throws on what is not UTF-8
      const auto again = event_from_json(json::parse(text));
      require(again && *again == event, "an event is read back");
      require(event.t_ms >= last_ms_, "time does not go back");
      last_ms_ = event.t_ms;
      shape_ = shape_ * 31 + event.body.index();
      Life& life = lives_[event.suggestion];
      require(life.offered != std::holds_alternative<Offered>(event.body),
              "a suggestion is offered once, and first");
      std::visit([&](const auto& body) { take(life, event, body); }, event.body);
    }
  }

  void close() const {
    for (const auto& [id, life] : lives_)
      require(!life.outcomes.empty(), "every suggestion has an outcome in the end");
  }

  std::uint64_t shape() const { return shape_; }

 private:
  struct Life {
    bool offered = false;
    int shown = 0;
    bool final = false;
    std::vector<std::string> outcomes;
  };

  void take(Life& life, const Event& event, const Offered& offered) {
    life.offered = true;
    const bool popup = event.source == Source::kPopup;
    require(!offered.candidates.empty(), "something is offered");
    require(offered.candidates.size() <= (popup ? kOfferedOfPopup : options_.max_candidates),
            "no more is offered than may be");
    require(offered.prefix.size() <= kMaxPrefix && offered.suffix.size() <= kMaxSuffix,
            "what is around an offer is bounded");
    require(offered.latency_ms >= 0, "an answer comes after its request");
  }

  void take(Life& life, const Event&, const Shown&) {
    require(++life.shown == 1, "a suggestion is shown once");
    require(life.outcomes.empty(), "nothing is shown after its outcome");
  }

  void take(Life& life, const Event&, const Outcome& outcome) {
    const std::string word(to_word(outcome.outcome));
    require(outcome.corrects.has_value() == !life.outcomes.empty(),
            "a suggestion has one outcome, except by `corrects`");
    if (outcome.corrects)
      require(*outcome.corrects == life.outcomes.back(),
              "the outcome corrected is the one that stood: " + *outcome.corrects + " for " +
                  life.outcomes.back());
    require(outcome.confidence >= 0 && outcome.confidence <= 1, "confidence is 0 to 1");
    require(outcome.display_ms >= 0 && std::isfinite(outcome.display_ms), "display time adds up");
    require(outcome.accepted_chars >= 0 && outcome.candidate >= 0, "counts are not negative");
    life.outcomes.push_back(word);
    shape_ = shape_ * 31 + static_cast<std::uint64_t>(outcome.outcome) * 16 +
             static_cast<std::uint64_t>(outcome.how);
  }

  void take(Life& life, const Event&, const Settled& settled) {
    require(!life.outcomes.empty(), "only what has an outcome settles");
    require(!(life.final && settled.final), "`final` is settled once");
    life.final = life.final || settled.final;
    require(settled.after_ms >= 0, "settling is after the outcome");
    require(settled.kept_chars >= 0 && settled.token_edits >= 0, "counts are not negative");
  }

  void take(Life&, const Event&, const Rated&) {}
  void take(Life&, const Event&, const Gap&) {
    strop::fuzz::fail("gaps are the spool's, not the tracker's");
  }

  const TrackerOptions& options_;
  std::map<std::string, Life> lives_;
  double last_ms_ = 0;
  std::uint64_t shape_ = 0;
};

struct Player {
  SuggestionTracker& tracker;
  Ledger& ledger;
  double last_ms = 0;

  void play(const json& line) {
    const auto time = line.find("t_ms");
    if (time == line.end() || !time->is_number()) return;
    const double t_ms = time->get<double>();
    last_ms = std::max(last_ms, t_ms);
    if (const auto note = line.find("note"); note != line.end())
      tracker.note_provider(note->dump(), {.model = "m", .prompt_hash = "00", .arm = "a"});
    else if (line.contains("drop"))
      ledger.take(tracker.on_drop(t_ms));
    else if (const auto raw = line.find("raw"); raw != line.end() && raw->is_string())
      ledger.take(tracker.on_message(line.value("dir", json()) == "s2c"
                                         ? Direction::kServerToClient
                                         : Direction::kClientToServer,
                                     raw->get_ref<const std::string&>(), t_ms));
    else
      ledger.take(tracker.on_time(t_ms));
  }
};

std::uint64_t replay(std::string_view session, const TrackerOptions& options) {
  SuggestionTracker tracker(options);
  Ledger ledger(options);
  Player player{tracker, ledger};
  while (!session.empty()) {
    const std::size_t end = std::min(session.find('\n'), session.size() - 1);
    const json line = json::parse(session.substr(0, end + 1), nullptr, false);
    session.remove_prefix(end + 1);
    if (line.is_object()) player.play(line);
  }
  if (const auto due = tracker.next_deadline())
    require(*due >= player.last_ms, "what was due is done");
  ledger.take(tracker.finish(player.last_ms));
  ledger.close();
  return ledger.shape();
}

std::uint64_t run(std::string_view session) {
  TrackerOptions options;
  options.accept_command = "strop.accept";
  // Limits that small inputs reach, for every other input.
  if (strop::fuzz::hash_of(session) % 2 == 0) {
    options.max_document_bytes = 2048;
    options.max_documents = 2;
    options.max_open = 2;
    options.max_settling = 2;
    options.max_pending = 3;
    options.max_candidates = 2;
  }
  return replay(session, options);
}

}  // namespace

int main(int argc, char** argv) {
  return strop::fuzz::drive({.run = run,
                             .words = {R"({"t_ms":20000})"
                                       "\n",
                                       R"({"t_ms":400000})"
                                       "\n",
                                       R"({"t_ms":700000})"
                                       "\n",
                                       R"({"t_ms":5000,"drop":true})"
                                       "\n",
                                       R"({"t_ms":1000,"note":3})"
                                       "\n",
                                       "c2s",
                                       "s2c",
                                       "textDocument/didOpen",
                                       "textDocument/didChange",
                                       "textDocument/didClose",
                                       "textDocument/didSave",
                                       "textDocument/completion",
                                       "textDocument/inlineCompletion",
                                       "workspace/executeCommand",
                                       "workspace/didRenameFiles",
                                       "$/cancelRequest",
                                       "textDocument/formatting",
                                       "getCompletionsCycling",
                                       "strop.accept",
                                       R"(\"isIncomplete\":true)",
                                       R"(\"result\":null)",
                                       R"(\"text\":\"\")",
                                       R"(\\n)",
                                       R"(\\r\\n)",
                                       R"(\\ud83d\\ude00)",
                                       R"(\\ud83d)",
                                       "\xc3\xa4",
                                       R"(\"line\":0)",
                                       R"(\"character\":0)",
                                       "1e300",
                                       "-1",
                                       "9999999"},
                             .max_size = 48u << 10},
                            argc, argv);
}
