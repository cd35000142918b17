// strop-agent: relays between an editor and a language server, and captures what becomes of
// suggestions.
//
//   strop-agent [flags] -- SERVER ARGS…      relay; without SERVER the provider alone
//   strop-agent replay SESSION.jsonl [--mode M]
//   strop-agent inspect | forget | pause | resume | doctor | join | ship
// Flags and wiring alone. Exit codes: the server's own when relaying; else 0 done, 1 failed, 2
// wrong usage or configuration.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "agent/child_process.h"
#include "agent/config.h"
#include "agent/delivery.h"
#include "agent/doctor.h"
#include "agent/inspector.h"
#include "agent/join.h"
#include "agent/log.h"
#include "agent/provider/backend.h"
#include "agent/replay.h"
#include "agent/rotation.h"
#include "agent/session.h"
#include "agent/ship.h"

namespace {

using namespace strop::agent;

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int complain(const std::string& what, int code) {
  std::cerr << "strop-agent: " << what << '\n';
  return code;
}

struct Arguments {
  std::vector<std::string> own;
  std::vector<std::string> server;  // behind the first --
  bool separated = false;
};

Arguments split(int argc, char** argv) {
  Arguments arguments;
  std::vector<std::string> all(argv + std::min(argc, 1), argv + argc);
  const auto separator = std::find(all.begin(), all.end(), "--");
  arguments.separated = separator != all.end();
  arguments.own.assign(all.begin(), separator);
  if (arguments.separated) arguments.server.assign(separator + 1, all.end());
  return arguments;
}

struct RelayFlags {
  std::string config;
  std::string mode;
  std::string provider;
  std::string clock = "system";
  bool provider_first = false;

  Flags flags() const {
    Flags flags;
    if (!config.empty()) flags.config = config;
    if (!mode.empty()) flags.mode = mode_from_word(mode);
    if (!provider.empty()) flags.provider_url = provider;
    flags.provider_first = provider_first;
    return flags;
  }
};

int relay(const RelayFlags& given, const Arguments& arguments) {
  const auto places = places_from_environment();
  if (!places) return complain(places.error(), kWrongUsage);
  auto config = load_config(*places, given.flags());
  if (!config) return complain(config.error(), kWrongUsage);
  if (!config->provider.url.empty()) {
    if (const auto made = make_backends(config->provider); !made)
      return complain(made.error(), kWrongUsage);
  } else if (arguments.server.empty()) {
    return complain(
        "nothing to relay: give the server behind --, as in `strop-agent -- clangd`, or --provider "
        "URL; `strop-agent --help` tells all",
        kWrongUsage);
  }
  // What keeps events from leaving is no reason to keep an editor from its server: they wait in the
  // spool, the log says why, and so does `strop-agent doctor`.
  SessionPlan plan;
  plan.config = *config;
  plan.clock = given.clock == "client" ? Clock::Kind::kClient : Clock::Kind::kSystem;
  plan.server = arguments.server;
  plan.make_delivery = [&config] { return make_delivery(*config); };
  const auto end = run_session(plan);
  if (!end) return complain(end.error(), kFailed);
  if (end->end.signalled || !end->orderly) end_like(end->end);
  return end->end.code;
}

int ship_rest(const RelayFlags& given, double timeout_s) {
  const auto places = places_from_environment();
  if (!places) return complain(places.error(), kWrongUsage);
  const auto config = load_config(*places, given.flags());
  if (!config) return complain(config.error(), kWrongUsage);
  open_log(config->state);
  constexpr double kSecond = 1000;
  return ship(*config, timeout_s * kSecond, std::cout, std::cerr);
}

// What a developer does beside running agents. The configuration is read only for where the state
// is, so that a mistake in it keeps nobody from looking or pausing.
struct OwnCommands {
  bool json = false;
  ForgetWhat forget;
  std::string file;
  std::uint64_t last = 0;
  JoinWhat join;
  bool rotate = false;
};

int join_or_rotate(const Places& places, const OwnCommands& own, const RelayFlags& flags) {
  if (own.rotate && !own.join.endpoint.empty())
    return complain("--rotate is for the collector that was joined; leave out the address",
                    kWrongUsage);
  if (own.rotate) return rotate_key(places, flags.flags(), std::cout, std::cerr);
  if (own.join.endpoint.empty())
    return complain("which collector? Give tcp://HOST:PORT", kWrongUsage);
  JoinWhat what = own.join;
  what.config_file = flags.config;
  return join(places, what, std::cout, std::cerr);
}

void add_join(CLI::App& app, OwnCommands& own, RelayFlags& flags,
              std::function<int(const Places&)>& chosen) {
  CLI::App* joining = app.add_subcommand("join", "name a collector, and make a key for it");
  joining->add_option("endpoint", own.join.endpoint, "tcp://HOST:PORT");
  auto* how = joining->add_option_group("how")->require_option(1);
  how->add_option("--token-file", own.join.token_file,
                  "file of mode 0600 with the token of `strop-collector enrol`; - for stdin");
  how->add_option("--server-key", own.join.server_key,
                  "the collector's public key, or a file that holds it");
  how->add_flag("--rotate", own.rotate, "a new key in the place of the one that you have");
  joining->add_option("--key", own.join.key_file, "your key file, made if it is not there");
  joining->add_option("--config", flags.config,
                      "configuration, instead of ~/.config/strop/agent.toml");
  joining->callback([&own, &flags, &chosen] {
    chosen = [&own, &flags](const Places& places) { return join_or_rotate(places, own, flags); };
  });
}

void add_own_commands(CLI::App& app, OwnCommands& own, RelayFlags& flags,
                      std::function<int(const Places&)>& chosen) {
  const auto state = [](const Places& places) { return places.state_home / "strop"; };
  CLI::App* inspecting =
      app.add_subcommand("inspect", "every record kept here, as it leaves, and the ledger");
  inspecting->add_flag("--json", own.json, "one JSON object");
  inspecting->callback([&own, &chosen, state] {
    chosen = [&own, state](const Places& places) {
      return inspect(state(places), own.json, std::cout, std::cerr);
    };
  });

  CLI::App* forgetting =
      app.add_subcommand("forget", "take records off the disk, here and at the collector");
  auto* which = forgetting->add_option_group("which")->require_option(1);
  which->add_flag("--all", own.forget.all, "every record");
  auto* file = which->add_option("--file", own.file, "records about this file");
  forgetting
      ->add_flag("--never", own.forget.never, "and never capture or send anything of it again")
      ->needs(file);
  which->add_option("--last", own.last, "so many of the newest")->check(CLI::PositiveNumber);
  forgetting->callback([&own, &chosen, state] {
    if (!own.file.empty()) own.forget.file = own.file;
    if (own.last > 0) own.forget.last = own.last;
    chosen = [&own, state](const Places& places) {
      return forget(state(places), own.forget, std::cout, std::cerr);
    };
  });

  app.add_subcommand("pause", "capture and send nothing until resume")->callback([&chosen, state] {
    chosen = [state](const Places& places) { return pause(state(places), std::cout, std::cerr); };
  });
  app.add_subcommand("resume", "go on after pause")->callback([&chosen, state] {
    chosen = [state](const Places& places) { return resume(state(places), std::cout, std::cerr); };
  });

  app.add_subcommand(
         "new-install",
         "for a copied machine that the collector has shut out: begin as one of its own")
      ->callback([&chosen, state] {
        chosen = [state](const Places& places) {
          return new_install(state(places), std::cout, std::cerr);
        };
      });

  CLI::App* examining =
      app.add_subcommand("doctor", "what is wired to what, and what to do where it is not");
  examining->add_option("--config", flags.config,
                        "configuration, instead of ~/.config/strop/agent.toml");
  examining->callback([&flags, &chosen] {
    chosen = [&flags](const Places& places) {
      return doctor(places, flags.flags(), std::cout, std::cerr);
    };
  });

  add_join(app, own, flags, chosen);
}

// What was meant where only the -- before a server was forgotten; empty: something else is wrong.
std::string meant_relay(const CLI::App& app, const Arguments& arguments) {
  const std::vector<std::string> left = app.remaining();
  if (arguments.separated || left.empty() || !app.get_subcommands().empty()) return "";
  std::string meant = "strop-agent";
  bool server = false;
  for (const std::string& word : arguments.own) {
    const bool unknown = std::find(left.begin(), left.end(), word) != left.end();
    if (!server && unknown && word.starts_with('-')) return "";
    if (!server && unknown) meant += " --";
    server = server || unknown;
    meant += " " + word;
  }
  return meant;
}

int run(int argc, char** argv) {
  const Arguments arguments = split(argc, argv);
  CLI::App app{
      "Relays between an editor and a language server: strop-agent [flags] -- SERVER ARGS"};
  app.set_version_flag("--version", "strop-agent " STROP_VERSION);
  app.require_subcommand(0, 1);

  RelayFlags flags;
  const CLI::IsMember modes({"full", "metrics-only", "off"});
  app.add_option("--config", flags.config, "configuration, instead of ~/.config/strop/agent.toml");
  app.add_option("--mode", flags.mode, "how much is captured: full, metrics-only or off")
      ->check(modes);
  app.add_option("--provider", flags.provider, "model server that gives inline completions");
  app.add_flag("--provider-first", flags.provider_first,
               "the provider answers also where the server offers inline completion");
  app.add_option("--clock", flags.clock,
                 "time of captured messages: system, or client ($/strop/clock, for simulations)")
      ->check(CLI::IsMember({"system", "client"}));

  std::string session;
  std::string mode = "full";
  CLI::App* replaying = app.add_subcommand("replay", "the events of a recorded session");
  replaying->add_option("session", session, "recorded session (.jsonl)")->required();
  replaying->add_option("--mode", mode)->check(modes);

  double timeout_s = 30;
  CLI::App* shipping =
      app.add_subcommand("ship", "has the collector take what is left in the spool");
  shipping->add_option("--config", flags.config,
                       "configuration, instead of ~/.config/strop/agent.toml");
  shipping->add_option("--timeout", timeout_s, "seconds until it gives up")
      ->check(CLI::PositiveNumber);

  OwnCommands own;
  std::function<int(const Places&)> chosen;
  add_own_commands(app, own, flags, chosen);

  try {
    std::vector<std::string> reversed(arguments.own.rbegin(), arguments.own.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    if (const std::string meant = meant_relay(app, arguments); !meant.empty())
      std::cerr << "Did you mean `" << meant << "`?\n";
    return code == 0 ? 0 : kWrongUsage;
  }
  if (replaying->parsed()) return replay_main(session, mode, std::cout, std::cerr);
  if (shipping->parsed()) return ship_rest(flags, timeout_s);
  if (chosen) {
    const auto places = places_from_environment();
    return places ? chosen(*places) : complain(places.error(), kWrongUsage);
  }
  return relay(flags, arguments);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    std::cout.flush();
    if (code == 0 && !std::cout)
      return complain("the output could not be written; is the disk full?", kFailed);
    return code;
  } catch (const std::exception& error) {
    return complain(error.what(), kFailed);
  }
}
