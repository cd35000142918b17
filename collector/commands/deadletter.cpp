// `strop-collector deadletter`: the events that were rejected, each with its reason.
#include <iostream>
#include <nlohmann/json.hpp>

#include "collector/commands/commands.h"
#include "collector/commands/options.h"

namespace strop::collector {
namespace {

using schema::to_hex;

struct DeadLetterOptions {
  StoreOptions store;
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

int run(const DeadLetterOptions& options) {
  const auto store = open_store(options.store, StoreAccess::kRead);
  store->dead_letters([&](const DeadLetter& letter) {
    print(letter, options.json);
    return true;
  });
  return kDone;
}

}  // namespace

void register_deadletter(Commands& commands) {
  auto options = std::make_shared<DeadLetterOptions>();
  CLI::App* command =
      commands.app.add_subcommand("deadletter", "Lists the events that were rejected, and why");
  add_store_options(*command, options->store);
  command->add_flag("--json", options->json, "As JSON lines, with what was kept of the event");
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
