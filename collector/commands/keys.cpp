// `strop-collector keys generate|allow|revoke|list`: who may speak to the collector.
#include <sodium.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "collector/commands/commands.h"
#include "collector/config.h"
#include "collector/keys.h"

namespace strop::collector {
namespace {

struct KeysOptions {
  std::string config;
  std::string keys;
  std::string name;
  std::string public_key;
  std::string out;
  bool json = false;
  bool now = false;
};

std::string keys_folder(const KeysOptions& options) {
  std::string folder = options.keys.empty() ? read_config(options.config).keys : options.keys;
  if (folder.empty()) throw UsageError("which keys? Give --keys DIR, or set 'keys' in the file");
  return folder;
}

template <class T>
T must(tl::expected<T, std::string> result) {
  if (!result) throw std::runtime_error(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// The developer's key first, the list last: a key that nobody may use does no harm, a name without
// one could not be made again.
int generate_for_developer(const KeysOptions& options) {
  const std::string folder = keys_folder(options);
  if (options.out.empty())
    throw UsageError("where to? Give --out FILE for " + options.name + "'s key");
  if (!is_user_name(options.name))
    throw UsageError("'" + options.name + "' is no name: 1 to 64 letters, digits and -_.@");
  const schema::CurveKey key = make_key_pair();
  must(schema::write_curve_key(options.out, key));
  must(allow(folder, options.name, key.public_key));
  std::cout << "wrote " << options.out << " for " << options.name
            << "; bring it to the developer's machine by a safe way\npublic " << key.public_key
            << '\n';
  return kDone;
}

int generate(const KeysOptions& options) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start");
  if (!options.name.empty()) return generate_for_developer(options);
  if (!options.out.empty())
    throw UsageError("--out goes with --name; the collector's own key is DIR/server.key");
  const std::string folder = keys_folder(options);
  const schema::CurveKey key = must(generate_server_key(folder));
  std::cout << "wrote " << server_key_file(folder).string()
            << "; agents need this public key of the collector\npublic " << key.public_key << '\n';
  return kDone;
}

int rotate(const KeysOptions& options) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start");
  const std::string folder = keys_folder(options);
  if (options.now) {
    must(take_next_server_key(folder));
    std::cout << "the next key is the collector's now; start it anew: systemctl restart "
                 "strop-collector\n";
    return kDone;
  }
  const schema::CurveKey key = must(prepare_next_server_key(folder));
  std::cout
      << "wrote " << next_server_key_file(folder).string() << "\npublic " << key.public_key
      << "\nAgents take it up with `strop-agent join --rotate`, or by this key as a second line "
         "of their collector.server_key_file; then `keys rotate --now`.\n";
  return kDone;
}

int list(const KeysOptions& options) {
  const AllowList allowed = must(read_allow_list(keys_folder(options)));
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& [key, name] : allowed.names_by_key()) {
    rows.push_back({{"name", name}, {"public_key", key}});
    if (!options.json) std::cout << key << ' ' << name << '\n';
  }
  if (options.json) std::cout << rows.dump(2) << '\n';
  return kDone;
}

CLI::App* add(CLI::App& keys, const char* name, const char* help, KeysOptions& options) {
  CLI::App* command = keys.add_subcommand(name, help);
  command->add_option("--config", options.config,
                      std::string("Configuration file (default ") + kDefaultConfig + ")");
  command->add_option("--keys", options.keys, "Folder of server.key and allow.list");
  return command;
}

}  // namespace

void register_keys(Commands& commands) {
  auto options = std::make_shared<KeysOptions>();
  CLI::App* keys = commands.app.add_subcommand("keys", "Who may speak to the collector");
  keys->require_subcommand(1);

  CLI::App* make = add(
      *keys, "generate",
      "Makes the collector's key, or with --name a developer's, who is allowed at once", *options);
  make->add_option("--name", options->name, "The developer");
  make->add_option("--out", options->out, "File for the developer's key");
  make->callback(
      [&commands, options] { commands.chosen = [options] { return generate(*options); }; });

  CLI::App* turn =
      add(*keys, "rotate", "Makes the key that is to take the place of the collector's", *options);
  turn->add_flag("--now", options->now, "It takes the place; the old one stays as server.key.old");
  turn->callback(
      [&commands, options] { commands.chosen = [options] { return rotate(*options); }; });

  CLI::App* permit = add(*keys, "allow", "Puts a developer's public key on the list", *options);
  permit->add_option("name", options->name, "The developer")->required();
  permit->add_option("public_key", options->public_key, "40 characters")->required();
  permit->callback([&commands, options] {
    commands.chosen = [options] {
      must(allow(keys_folder(*options), options->name, options->public_key));
      return kDone;
    };
  });

  CLI::App* shut = add(*keys, "revoke", "Takes all keys of a developer off the list", *options);
  shut->add_option("name", options->name, "The developer")->required();
  shut->callback([&commands, options] {
    commands.chosen = [options] {
      must(revoke(keys_folder(*options), options->name));
      return kDone;
    };
  });

  CLI::App* show = add(*keys, "list", "Lists who is allowed", *options);
  show->add_flag("--json", options->json, "As JSON");
  show->callback([&commands, options] { commands.chosen = [options] { return list(*options); }; });
}

}  // namespace strop::collector
