// `strop-collector deadletter`: the events that were rejected, each with its reason; `deadletter
// replay`: looks at them again by the rules of today.
#include <iostream>
#include <nlohmann/json.hpp>

#include "collector/commands/commands.h"
#include "collector/commands/options.h"
#include "collector/scrub.h"
#include "collector/validate.h"

namespace strop::collector {
namespace {

using schema::to_hex;

// So much is held at a time, and what was made of it.
constexpr std::size_t kBytesAtOnce = 16 << 20;

struct DeadLetterOptions {
  StoreOptions store;
  std::string code;
  bool json = false;
};

void print(const DeadLetter& letter, bool json) {
  if (json)
    std::cout << nlohmann::json{{"install", to_hex(letter.key.install)},
                                {"epoch", to_hex(letter.key.epoch)},
                                {"seq", letter.seq},
                                {"code", letter.code},
                                {"reason", letter.reason},
                                {"received_ms", letter.received_ms},
                                {"payload", letter.payload}}
                     .dump()
              << '\n';
  else
    std::cout << to_hex(letter.key.install) << ' ' << to_hex(letter.key.epoch) << ':' << letter.seq
              << "  " << letter.code << "  " << letter.reason << '\n';
}

bool is_wanted(const DeadLetter& letter, const DeadLetterOptions& options) {
  return options.code.empty() || letter.code == options.code;
}

int list(const DeadLetterOptions& options) {
  const auto store = open_store(options.store, StoreAccess::kRead);
  store->dead_letters([&](const DeadLetter& letter) {
    if (is_wanted(letter, options)) print(letter, options.json);
    return true;
  });
  return kDone;
}

struct Replayed {
  std::uint64_t looked_at = 0;
  std::uint64_t stored = 0;
  std::uint64_t rejected = 0;
  std::uint64_t without_text = 0;  // nothing was kept to look at
};

// What today's rules make of letters, where that is something else than before; some at a time:
// what is stored, or has its new reason, is not among the next.
std::vector<std::pair<DeadLetter, Entry>> next_changes(Store& store,
                                                       const DeadLetterOptions& options) {
  std::vector<std::pair<DeadLetter, Entry>> changes;
  std::size_t bytes = 0;
  store.dead_letters([&](const DeadLetter& letter) {
    if (!is_wanted(letter, options) || letter.payload.empty()) return true;
    Entry today = validate({letter.span, letter.payload}, letter.seq, scrub_event).entry;
    const bool same = today.rejected && letter.code == schema::to_word(*today.rejected) &&
                      letter.reason == today.reason && letter.payload == today.payload;
    if (same) return true;
    bytes += letter.payload.size();
    changes.emplace_back(letter, std::move(today));
    return bytes < kBytesAtOnce;
  });
  return changes;
}

int replay(const DeadLetterOptions& options) {
  const auto store = open_store(options.store, StoreAccess::kWrite);
  Replayed sums;
  store->dead_letters([&](const DeadLetter& letter) {
    if (!is_wanted(letter, options)) return true;
    ++sums.looked_at;
    if (letter.payload.empty()) ++sums.without_text;
    return true;
  });
  for (auto changes = next_changes(*store, options); !changes.empty();
       changes = next_changes(*store, options))
    for (const auto& [letter, today] : changes)
      if (store->replay(letter, today) && !today.rejected) ++sums.stored;
  sums.rejected = sums.looked_at - sums.without_text - sums.stored;
  if (options.json)
    std::cout << nlohmann::json{{"looked_at", sums.looked_at},
                                {"stored", sums.stored},
                                {"rejected", sums.rejected},
                                {"without_text", sums.without_text}}
                     .dump()
              << '\n';
  else
    std::cout << "of " << sums.looked_at << " dead letters " << sums.stored << " are events now, "
              << sums.rejected << " are rejected still, and " << sums.without_text
              << " were kept without their text\n";
  return kDone;
}

}  // namespace

void register_deadletter(Commands& commands) {
  auto options = std::make_shared<DeadLetterOptions>();
  CLI::App* listing =
      commands.app.add_subcommand("deadletter", "Lists the events that were rejected, and why");
  CLI::App* replaying = listing->add_subcommand(
      "replay", "Looks at them again by the rules of today, and stores those that are good");
  for (CLI::App* command : {listing, replaying}) {
    add_store_options(*command, options->store);
    command->add_option("--code", options->code, "Only those rejected by this code");
    command->add_flag("--json", options->json, "As JSON, with what was kept of the event");
  }
  listing->callback([&commands, options, replaying] {
    commands.chosen = [options, again = replaying->parsed()] {
      return again ? replay(*options) : list(*options);
    };
  });
}

}  // namespace strop::collector
