#include "agent/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <set>

#include "schema/fim.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;
using Result = tl::expected<void, std::string>;

// What one file says. The ceiling has to be told from the rest, so files are not merged as read.
struct Layer {
  Config config;
  std::set<std::string> given;  // "provider.url"
  bool has(const std::string& key) const { return given.contains(key); }
};

// One key: what it takes, and where that goes. False: of a wrong type or out of range.
struct Key {
  std::string takes;
  std::function<bool(const toml::node&, Config&)> read;
};
using Keys = std::map<std::string, Key>;

Key text_key(std::string takes, std::function<void(Config&, std::string)> set) {
  return {std::move(takes), [set = std::move(set)](const toml::node& node, Config& config) {
            const auto value = node.value_exact<std::string>();
            if (value) set(config, *value);
            return value.has_value();
          }};
}

Key flag_key(std::function<void(Config&, bool)> set) {
  return {"true or false", [set = std::move(set)](const toml::node& node, Config& config) {
            const auto value = node.value_exact<bool>();
            if (value) set(config, *value);
            return value.has_value();
          }};
}

Key count_key(std::int64_t least, std::int64_t most,
              std::function<void(Config&, std::int64_t)> set) {
  return {"a whole number from " + std::to_string(least) + " to " + std::to_string(most),
          [least, most, set = std::move(set)](const toml::node& node, Config& config) {
            const auto value = node.value_exact<std::int64_t>();
            if (!value || *value < least || *value > most) return false;
            set(config, *value);
            return true;
          }};
}

Key number_key(double least, double most, const std::string& takes,
               std::function<void(Config&, double)> set) {
  return {takes, [least, most, set = std::move(set)](const toml::node& node, Config& config) {
            if (!node.is_number()) return false;
            const double value = node.value<double>().value_or(least - 1);
            if (!(value >= least && value <= most)) return false;
            set(config, value);
            return true;
          }};
}

// One of a few words.
Key word_key(std::string takes, std::function<bool(Config&, const std::string&)> set) {
  return {std::move(takes), [set = std::move(set)](const toml::node& node, Config& config) {
            return set(config, node.value_exact<std::string>().value_or(""));
          }};
}

Key texts_key(std::function<void(Config&, std::vector<std::string>)> set) {
  return {"a list of texts", [set = std::move(set)](const toml::node& node, Config& config) {
            const toml::array* list = node.as_array();
            std::vector<std::string> values;
            for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
              const auto value = (*list)[i].value_exact<std::string>();
              if (!value) return false;
              values.push_back(*value);
            }
            if (list != nullptr) set(config, std::move(values));
            return list != nullptr;
          }};
}

// One text, or a list of them.
Key endpoints_key(std::function<void(Config&, std::vector<std::string>)> set) {
  Key list = texts_key(set);
  return {
      "a text such as \"tcp://host:7341\", or a list of such",
      [set = std::move(set), list = std::move(list.read)](const toml::node& node, Config& config) {
        const auto one = node.value_exact<std::string>();
        if (!one) return list(node, config);
        set(config, {*one});
        return true;
      }};
}

fs::path at_home(const std::string& path, const fs::path& home) {
  if (path == "~") return home;
  return path.starts_with("~/") ? home / path.substr(2) : fs::path(path);
}

Key path_key(const fs::path& home, std::function<void(Config&, fs::path)> set) {
  return text_key("a path", [set = std::move(set), home](Config& config, const std::string& value) {
    set(config, at_home(value, home));
  });
}

Key mode_key() {
  return {"\"full\", \"metrics-only\" or \"off\"", [](const toml::node& node, Config& config) {
            const auto mode = mode_from_word(node.value_exact<std::string>().value_or(""));
            if (mode) config.mode = *mode;
            return mode.has_value();
          }};
}

constexpr const char* kFimTakes =
    "\"server\" or a family: strop, qwen, starcoder2, deepseek, codellama, codestral";

bool is_fim(const std::string& word) {
  return word == "server" || schema::fim_family(word).has_value();
}

// Of [[provider.arms]], each into the arm that was begun last.
void add_arm_keys(Keys& keys, const fs::path& home) {
  const auto arm = [](Config& c) -> ProviderArm& { return c.provider.arms.back(); };
  keys["provider.arms.name"] =
      text_key("a text", [arm](Config& c, std::string v) { arm(c).name = std::move(v); });
  keys["provider.arms.weight"] = number_key(0.001, 1000, "a number from 0.001 to 1000",
                                            [arm](Config& c, double v) { arm(c).weight = v; });
  keys["provider.arms.url"] =
      text_key("a URL", [arm](Config& c, std::string v) { arm(c).url = std::move(v); });
  keys["provider.arms.key_file"] =
      path_key(home, [arm](Config& c, fs::path v) { arm(c).key_file = std::move(v); });
  keys["provider.arms.model"] =
      text_key("a text", [arm](Config& c, std::string v) { arm(c).model = std::move(v); });
  keys["provider.arms.producer"] =
      text_key("a text", [arm](Config& c, std::string v) { arm(c).producer = std::move(v); });
  keys["provider.arms.fim"] = word_key(kFimTakes, [arm](Config& c, const std::string& v) {
    arm(c).fim = v;
    return is_fim(v);
  });
  keys["provider.arms.max_tokens"] = count_key(
      1, 4096, [arm](Config& c, std::int64_t v) { arm(c).max_tokens = static_cast<int>(v); });
  keys["provider.arms.temperature"] = number_key(
      0, 2, "a number from 0 to 2", [arm](Config& c, double v) { arm(c).temperature = v; });
  keys["provider.arms.timeout_ms"] = count_key(
      1, 120'000, [arm](Config& c, std::int64_t v) { arm(c).timeout_ms = static_cast<double>(v); });
  keys["provider.arms.silence_file"] =
      path_key(home, [arm](Config& c, fs::path v) { arm(c).silence_file = std::move(v); });
}

void add_silence_keys(Keys& keys, const fs::path& home) {
  keys["provider.silence"] =
      word_key("\"off\", \"threshold\" or \"head\"", [](Config& c, const std::string& v) {
        c.provider.silence = v == "head"        ? Silence::kHead
                             : v == "threshold" ? Silence::kThreshold
                                                : Silence::kOff;
        return v == "off" || v == "threshold" || v == "head";
      });
  keys["provider.silence_file"] =
      path_key(home, [](Config& c, fs::path v) { c.provider.silence_file = std::move(v); });
  keys["provider.silence_explore"] = number_key(
      0, 1, "a number from 0 to 1", [](Config& c, double v) { c.provider.silence_explore = v; });
}

void add_provider_keys(Keys& keys, const fs::path& home) {
  keys["provider.url"] =
      text_key("a URL", [](Config& c, std::string v) { c.provider.url = std::move(v); });
  keys["provider.key_file"] =
      path_key(home, [](Config& c, fs::path v) { c.provider.key_file = std::move(v); });
  keys["provider.model"] =
      text_key("a text", [](Config& c, std::string v) { c.provider.model = std::move(v); });
  keys["provider.name"] =
      text_key("a text", [](Config& c, std::string v) { c.provider.name = std::move(v); });
  keys["provider.fim"] = word_key(kFimTakes, [](Config& c, const std::string& v) {
    c.provider.fim = v;
    return is_fim(v);
  });
  keys["provider.first"] = flag_key([](Config& c, bool v) { c.provider.first = v; });
  keys["provider.multiline"] = flag_key([](Config& c, bool v) { c.provider.multiline = v; });
  keys["provider.max_tokens"] = count_key(
      1, 4096, [](Config& c, std::int64_t v) { c.provider.max_tokens = static_cast<int>(v); });
  keys["provider.candidates"] = count_key(
      1, 16, [](Config& c, std::int64_t v) { c.provider.candidates = static_cast<int>(v); });
  keys["provider.debounce_ms"] = count_key(0, 10'000, [](Config& c, std::int64_t v) {
    c.provider.debounce_ms = static_cast<double>(v);
  });
  keys["provider.timeout_ms"] = count_key(1, 120'000, [](Config& c, std::int64_t v) {
    c.provider.timeout_ms = static_cast<double>(v);
  });
  keys["provider.candidates_invoked"] = count_key(1, 16, [](Config& c, std::int64_t v) {
    c.provider.candidates_invoked = static_cast<int>(v);
  });
  keys["provider.temperature"] = number_key(
      0, 2, "a number from 0 to 2", [](Config& c, double v) { c.provider.temperature = v; });
  keys["provider.cache"] =
      count_key(0, 1024, [](Config& c, std::int64_t v) { c.provider.cache = static_cast<int>(v); });
  keys["provider.related_bytes"] = count_key(
      0, 65536, [](Config& c, std::int64_t v) { c.provider.related_bytes = static_cast<int>(v); });
  keys["provider.arms_by"] =
      word_key("\"user\" or \"repository\"", [](Config& c, const std::string& v) {
        c.provider.arms_by = v;
        return v == "user" || v == "repository";
      });
  add_silence_keys(keys, home);
  add_arm_keys(keys, home);
}

Keys make_keys(const fs::path& home) {
  Keys keys;
  keys["mode"] = mode_key();
  add_provider_keys(keys, home);
  keys["collector.endpoint"] =
      endpoints_key([](Config& c, auto v) { c.collector.endpoints = std::move(v); });
  keys["collector.server_key_file"] =
      path_key(home, [](Config& c, fs::path v) { c.collector.server_key_file = std::move(v); });
  keys["collector.key_file"] =
      path_key(home, [](Config& c, fs::path v) { c.collector.key_file = std::move(v); });
  keys["collector.plain"] = flag_key([](Config& c, bool v) { c.collector.plain = v; });
  keys["spool.max_bytes"] = count_key(
      1 << 20, std::int64_t{1} << 40,
      [](Config& c, std::int64_t v) { c.spool.max_bytes = static_cast<std::uint64_t>(v); });
  keys["spool.max_age_days"] = count_key(
      1, 3650, [](Config& c, std::int64_t v) { c.spool.max_age_days = static_cast<double>(v); });
  keys["privacy.workspaces"] = texts_key([home](Config& c, const std::vector<std::string>& v) {
    for (const std::string& folder : v)
      c.privacy.workspaces.push_back(at_home(folder, home).string());
  });
  keys["privacy.exclude"] =
      texts_key([](Config& c, std::vector<std::string> v) { c.privacy.exclude = std::move(v); });
  return keys;
}

// The known keys of one table, for a message: "endpoint, key_file". Of the top: tables too.
std::string known_in(const Keys& keys, const std::string& table) {
  std::set<std::string> names;
  for (const auto& [name, key] : keys)
    if (table.empty())
      names.insert(
          name.find('.') == std::string::npos ? name : "[" + name.substr(0, name.find('.')) + "]");
    else if (name.starts_with(table + "."))
      names.insert(
          name.substr(table.size() + 1, name.find('.', table.size() + 1) - table.size() - 1));
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

bool is_table(const Keys& keys, const std::string& name) {
  const auto at = keys.lower_bound(name + ".");
  return at != keys.end() && at->first.starts_with(name + ".");
}

// As toml++ tells of its own errors; 0: not known.
std::string in_line(const toml::source_region& source) {
  return source.begin.line == 0 ? "" : " in line " + std::to_string(source.begin.line);
}

Result read_table(const Keys& keys, const toml::table& table, const std::string& name,
                  Layer& layer);

// [[provider.arms]].
Result read_arms(const Keys& keys, const toml::node& node, const std::string& name, Layer& layer) {
  const toml::array* list = node.as_array();
  if (list == nullptr || !list->is_homogeneous<toml::table>())
    return tl::unexpected("'" + name + "'" + in_line(node.source()) + " must be tables: [[" + name +
                          "]]");
  std::vector<ProviderArm>& arms = layer.config.provider.arms;
  for (const toml::node& one : *list) {
    arms.emplace_back();
    if (Result read = read_table(keys, *one.as_table(), name, layer); !read) return read;
    const auto same = [&arms](const ProviderArm& arm) { return arm.name == arms.back().name; };
    if (arms.back().name.empty() || std::count_if(arms.begin(), arms.end(), same) > 1)
      return tl::unexpected("'" + name + "'" + in_line(one.source()) +
                            ": every arm needs a name of its own");
  }
  layer.given.insert(name);
  return {};
}

Result read_table(const Keys& keys, const toml::table& table, const std::string& name,
                  Layer& layer) {
  for (const auto& [key, node] : table) {
    const std::string full = (name.empty() ? "" : name + ".") + std::string(key.str());
    if (name.empty() && is_table(keys, full)) {
      if (!node.is_table())
        return tl::unexpected("'" + full + "'" + in_line(node.source()) + " must be a table: [" +
                              full + "]");
      if (Result inner = read_table(keys, *node.as_table(), full, layer); !inner) return inner;
      continue;
    }
    if (full == "provider.arms") {
      if (Result arms = read_arms(keys, node, full, layer); !arms) return arms;
      continue;
    }
    const auto known = keys.find(full);
    // A line appended to a file lands in its last table.
    if (known == keys.end() && keys.contains(std::string(key.str())))
      return tl::unexpected("unknown key '" + full + "'" + in_line(key.source()) + "; " +
                            std::string(key.str()) + " belongs at the top, before any [table]");
    if (known == keys.end())
      return tl::unexpected("unknown key '" + full + "'" + in_line(key.source()) +
                            "; known here: " + known_in(keys, name));
    if (!known->second.read(node, layer.config))
      return tl::unexpected("'" + full + "'" + in_line(node.source()) + " must be " +
                            known->second.takes);
    layer.given.insert(full);
  }
  return {};
}

// `needed`: that it does not exist is an error.
tl::expected<Layer, std::string> read_layer(const Keys& keys, const fs::path& file, bool needed) {
  Layer layer;
  std::error_code error;
  if (!fs::exists(file, error)) {
    if (!needed && !error) return layer;
    return tl::unexpected("configuration " + file.string() +
                          (error ? ": " + error.message() : " does not exist"));
  }
  try {
    const Result read = read_table(keys, toml::parse_file(file.string()), "", layer);
    if (!read) return tl::unexpected("configuration " + file.string() + ": " + read.error());
  } catch (const toml::parse_error& e) {
    const bool twice = e.description().find("redefine existing table") != std::string_view::npos;
    return tl::unexpected("configuration " + file.string() + ": " + std::string(e.description()) +
                          " in line " + std::to_string(e.source().begin.line) +
                          (twice ? "; each [table] stands once: bring its lines together" : ""));
  }
  return layer;
}

template <class Value>
void take(Value& into, const Value& from, bool given) {
  if (given) into = from;
}

void take_provider(ProviderConfig& into, const Layer& layer) {
  const ProviderConfig& from = layer.config.provider;
  take(into.url, from.url, layer.has("provider.url"));
  take(into.key_file, from.key_file, layer.has("provider.key_file"));
  take(into.model, from.model, layer.has("provider.model"));
  take(into.name, from.name, layer.has("provider.name"));
  take(into.fim, from.fim, layer.has("provider.fim"));
  take(into.first, from.first, layer.has("provider.first"));
  take(into.multiline, from.multiline, layer.has("provider.multiline"));
  take(into.max_tokens, from.max_tokens, layer.has("provider.max_tokens"));
  take(into.candidates, from.candidates, layer.has("provider.candidates"));
  take(into.debounce_ms, from.debounce_ms, layer.has("provider.debounce_ms"));
  take(into.timeout_ms, from.timeout_ms, layer.has("provider.timeout_ms"));
  take(into.candidates_invoked, from.candidates_invoked, layer.has("provider.candidates_invoked"));
  take(into.temperature, from.temperature, layer.has("provider.temperature"));
  take(into.cache, from.cache, layer.has("provider.cache"));
  take(into.related_bytes, from.related_bytes, layer.has("provider.related_bytes"));
  take(into.silence, from.silence, layer.has("provider.silence"));
  take(into.silence_file, from.silence_file, layer.has("provider.silence_file"));
  take(into.silence_explore, from.silence_explore, layer.has("provider.silence_explore"));
  take(into.arms_by, from.arms_by, layer.has("provider.arms_by"));
  take(into.arms, from.arms, layer.has("provider.arms"));
}

// What can only be judged when all files and flags are known.
Result check(const ProviderConfig& provider) {
  if (!provider.arms.empty() && provider.url.empty())
    return tl::unexpected(
        std::string("provider.arms need provider.url: the address of arms without one"));
  if (provider.silence != Silence::kOff && provider.silence_file.empty())
    return tl::unexpected(std::string(
        "provider.silence needs provider.silence_file: what `strop-collector calibrate` wrote"));
  return {};
}

void take_delivery(Config& into, const Layer& layer) {
  const Config& from = layer.config;
  take(into.collector.endpoints, from.collector.endpoints, layer.has("collector.endpoint"));
  take(into.collector.server_key_file, from.collector.server_key_file,
       layer.has("collector.server_key_file"));
  take(into.collector.key_file, from.collector.key_file, layer.has("collector.key_file"));
  take(into.collector.plain, from.collector.plain, layer.has("collector.plain"));
  take(into.spool.max_bytes, from.spool.max_bytes, layer.has("spool.max_bytes"));
  take(into.spool.max_age_days, from.spool.max_age_days, layer.has("spool.max_age_days"));
}

void take_privacy(Config& into, const Layer& layer) {
  for (const std::string& folder : layer.config.privacy.workspaces)
    into.privacy.workspaces.push_back(folder);
  for (const std::string& pattern : layer.config.privacy.exclude)
    into.privacy.exclude.push_back(pattern);
}

Config merged(const Layer& ceiling, const Layer& user, const Flags& flags) {
  Config config;
  take(config.mode, user.config.mode, user.has("mode"));
  if (flags.mode) config.mode = *flags.mode;
  if (ceiling.has("mode")) config.mode = std::min(config.mode, ceiling.config.mode);

  take_provider(config.provider, ceiling);
  take_provider(config.provider, user);
  if (flags.provider_url) config.provider.url = *flags.provider_url;
  if (flags.provider_first) config.provider.first = true;

  take_delivery(config, user);
  take_delivery(config, ceiling);
  take_privacy(config, user);
  // Consent is the developer's own: an administrator can forbid, not agree for others.
  for (const std::string& pattern : ceiling.config.privacy.exclude)
    config.privacy.exclude.push_back(pattern);
  return config;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A folder of the XDG rules: a relative path in the variable is to be ignored.
fs::path xdg_folder(const char* variable, const fs::path& otherwise) {
  const fs::path named = environment(variable);
  return named.is_absolute() ? named : otherwise;
}

}  // namespace

tl::expected<Places, std::string> places_from_environment() {
  Places places;
  places.home = environment("HOME");
  if (!places.home.is_absolute())
    return tl::unexpected(
        std::string("HOME is not set: without it neither configuration nor state can be found"));
  places.config_home = xdg_folder("XDG_CONFIG_HOME", places.home / ".config");
  places.state_home = xdg_folder("XDG_STATE_HOME", places.home / ".local" / "state");
  return places;
}

tl::expected<Config, std::string> load_config(const Places& places, const Flags& flags) {
  const Keys keys = make_keys(places.home);
  const auto ceiling = read_layer(keys, places.ceiling, false);
  if (!ceiling) return tl::unexpected(ceiling.error());
  const fs::path file = flags.config.value_or(places.config_home / "strop" / "agent.toml");
  const auto user = read_layer(keys, file, flags.config.has_value());
  if (!user) return tl::unexpected(user.error());
  Config config = merged(*ceiling, *user, flags);
  if (const Result sound = check(config.provider); !sound)
    return tl::unexpected("configuration: " + sound.error());
  config.state = places.state_home / "strop";
  config.home = places.home;
  config.config_home = places.config_home;
  return config;
}

}  // namespace strop::agent
