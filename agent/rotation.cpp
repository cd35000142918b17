#include "agent/rotation.h"

#include <ostream>

#include "agent/enrolment.h"
#include "agent/key_files.h"
#include "agent/uplink.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;

constexpr double kPatienceMs = 10'000;

}  // namespace

int rotate_key(const Places& places, const Flags& flags, std::ostream& out, std::ostream& err) {
  const auto complain = [&err](const std::string& why, int code) {
    err << "strop-agent: " << why << '\n';
    return code;
  };
  const auto config = load_config(places, flags);
  if (!config) return complain(config.error(), 2);
  const auto options = read_uplink_options(*config);
  if (!options) return complain(options.error(), 2);
  if (!options->key)
    return complain("there is no key to replace: no collector with keys in [collector]; `join` it",
                    2);
  const fs::path& file = config->collector.key_file;
  const fs::path next_file = file.string() + ".next";
  const auto next = read_or_make_key(next_file);
  if (!next) return complain(next.error(), 1);
  // Whoever of them answers, with the key it has or the one that it is to have next.
  UplinkAddress old_way{options->endpoints.front(), options->key, options->server_key};
  auto enrolled = enrol(old_way, next->public_key, kPatienceMs);
  const auto try_another = [&](const std::string& endpoint, const std::string& server_key) {
    if (enrolled || enrolled.error().refused || server_key.empty()) return;
    old_way.endpoint = endpoint;
    old_way.server_key = server_key;
    enrolled = enrol(old_way, next->public_key, kPatienceMs);
  };
  for (const std::string& endpoint : options->endpoints) {
    if (endpoint != options->endpoints.front()) try_another(endpoint, options->server_key);
    try_another(endpoint, options->next_server_key);
  }
  const UplinkAddress new_way{old_way.endpoint, *next, old_way.server_key};
  // Refused: an earlier try, cut off behind its use, may have had the old one taken off the list.
  if (!enrolled && (!enrolled.error().refused || !use_key(new_way, kPatienceMs).empty()))
    return complain(enrolled.error().why + "; the old key stays, the new one waits in " +
                        next_file.string() + " for another try",
                    1);
  if (const auto replaced = replace_file(next_file, file); !replaced)
    return complain(replaced.error(), 1);
  if (enrolled)
    if (const auto kept = write_server_keys(config->collector.server_key_file, *enrolled); !kept)
      return complain(kept.error(), 1);
  if (const std::string trouble = use_key(new_way, kPatienceMs); !trouble.empty())
    return complain("the new key is in " + file.string() + " and was announced, but: " + trouble +
                        "; the old one goes when an agent first uses the new one",
                    1);
  out << file.string() << " has a new key, public " << next->public_key
      << "; the old one is no longer let in. Agents that run take it up within a minute.\n";
  return 0;
}

}  // namespace strop::agent
