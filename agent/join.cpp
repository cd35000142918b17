#include "agent/join.h"

#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <tl/expected.hpp>

#include "agent/enrolment.h"
#include "agent/key_files.h"
#include "agent/uplink.h"
#include "schema/curve_key.h"
#include "schema/enrol_token.h"
#include "schema/private_file.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;
using Result = tl::expected<void, std::string>;

constexpr double kPatienceMs = 10'000;

std::string first_line_of(const fs::path& file) {
  const auto lines = lines_of(file);
  return lines.empty() ? std::string() : lines.front();
}

std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

// What [collector] is to say.
struct Wiring {
  std::string endpoint;
  fs::path server_key_file;
  fs::path key_file;
};

std::string line_of(const std::string& key, const std::string& value) {
  return key + " = " + quoted(value) + "\n";
}

std::string key_lines(const toml::table& named, const Wiring& wiring) {
  std::string lines;
  if (!named.contains("server_key_file"))
    lines += line_of("server_key_file", wiring.server_key_file.string());
  if (!named.contains("key_file")) lines += line_of("key_file", wiring.key_file.string());
  return lines;
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream whole;
  whole << in.rdbuf();
  return whole.str();
}

tl::expected<toml::table, std::string> parsed(const fs::path& file, const std::string& text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return tl::unexpected(file.string() + ": " + std::string(error.description()));
  }
}

bool says(const toml::table& collector, const std::string& key, const std::string& value) {
  return collector[key].value<std::string>() == value;
}

// The key files that a [collector] of this very endpoint names already take the place of ours.
Result adopt(const fs::path& file, const toml::table& collector, const fs::path& home,
             Wiring& wiring) {
  if (!says(collector, "endpoint", wiring.endpoint))
    return tl::unexpected(file.string() +
                          " names a collector already; change its [collector] by hand");
  if (collector["plain"].value_or(false))
    return tl::unexpected(file.string() +
                          " says plain = true, without keys; take that line out of [collector]");
  const auto take = [&](const char* key, fs::path& into) {
    const auto named = collector[key].value<std::string>();
    if (named) into = named->starts_with("~/") ? home / named->substr(2) : fs::path(*named);
  };
  take("server_key_file", wiring.server_key_file);
  take("key_file", wiring.key_file);
  return {};
}

// The file with the keys that its [collector] lacks, in a line each below the endpoint's.
tl::expected<std::string, std::string> with_keys(const fs::path& file, std::string text,
                                                 const toml::table& collector,
                                                 const Wiring& wiring) {
  const std::string lines = key_lines(collector, wiring);
  if (lines.empty()) return text;
  if (!text.ends_with('\n')) text += '\n';
  std::size_t at = 0;
  for (auto line = collector.get("endpoint")->source().end.line; line > 0; --line)
    at = text.find('\n', at) + 1;
  text.insert(at, lines);
  // An inline table, say, has no such lines.
  const auto now = parsed(file, text);
  const toml::table* table = now ? (*now)["collector"].as_table() : nullptr;
  if (table == nullptr || !key_lines(*table, wiring).empty())
    return tl::unexpected(file.string() + ": write [collector] as a table of lines; it lacks:\n" +
                          lines);
  return text;
}

// The file as it will be; what it says already stays, and where it names keys, `wiring` has those.
tl::expected<std::string, std::string> with_collector(const fs::path& file, const fs::path& home,
                                                      Wiring& wiring) {
  const std::string table =
      "[collector]\n" + line_of("endpoint", wiring.endpoint) + key_lines({}, wiring);
  if (!fs::exists(file)) return table;
  std::string text = text_of(file);
  const auto now = parsed(file, text);
  if (!now) return tl::unexpected(now.error());
  if (now->contains("collector")) {
    const toml::table* collector = (*now)["collector"].as_table();
    if (collector == nullptr)
      return tl::unexpected(file.string() + ": 'collector' must be a table: [collector]");
    if (Result good = adopt(file, *collector, home, wiring); !good)
      return tl::unexpected(good.error());
    return with_keys(file, std::move(text), *collector, wiring);
  }
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  if (!text.empty()) text += '\n';
  return text + table;
}

// What is said at the end of a way that went wrong: why, and the exit code.
struct Trouble {
  std::string why;
  int code = 1;
};

tl::expected<schema::EnrolToken, std::string> read_token(const std::string& file) {
  if (file != "-") {
    const auto text = schema::read_private_file(file, "token file");
    return text ? schema::parse_token(*text) : tl::unexpected(text.error());
  }
  std::string text(schema::kMaxPrivateBytes, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::cin.gcount()));
  return schema::parse_token(text);
}

// Where everything is to stand. Judged before anything is written: what is refused leaves no trace.
struct Plan {
  fs::path config_file;
  std::string text;  // of it, as it is to be
  Wiring wiring;
  std::string server_key;
  std::string next_server_key;  // that was announced before; empty: none
};

tl::expected<Plan, Trouble> make_plan(const Places& places, const JoinWhat& what) {
  const auto trouble = [](std::string why) { return tl::unexpected(Trouble{std::move(why), 2}); };
  Plan plan;
  plan.config_file =
      what.config_file.empty() ? places.config_home / "strop" / "agent.toml" : what.config_file;
  plan.server_key =
      schema::is_curve_key(what.server_key) ? what.server_key : first_line_of(what.server_key);
  if (!schema::is_curve_key(plan.server_key))
    return trouble(
        "--server-key must be the collector's public key (40 characters) or a file "
        "whose first line it is; `strop-collector keys generate` printed it");
  if (const auto host = host_of_collector(what.endpoint); !host) return trouble(host.error());
  const fs::path folder = plan.config_file.parent_path();
  plan.wiring = {what.endpoint, fs::absolute(folder / "collector.pub"),
                 fs::absolute(what.key_file.empty() ? folder / "agent.key" : what.key_file)};
  const fs::path wished = plan.wiring.key_file;
  auto text = with_collector(plan.config_file, places.home, plan.wiring);
  if (!text) return trouble(text.error());
  plan.text = std::move(*text);
  if (!what.key_file.empty() && plan.wiring.key_file != wished)
    return trouble(plan.config_file.string() + " names another key_file, " +
                   plan.wiring.key_file.string() + "; leave out --key, or change it there");
  const auto known = lines_of(plan.wiring.server_key_file);
  if (!known.empty() && std::find(known.begin(), known.end(), plan.server_key) == known.end())
    return trouble(plan.wiring.server_key_file.string() +
                   " holds another collector's key, which another configuration may use; "
                   "take it away if none does, or give --config in another folder");
  if (known.size() > 1 && known.front() == plan.server_key) plan.next_server_key = known.back();
  return plan;
}

// Has the token let our key in. Where the answer to an earlier try got lost, it is in already, and
// the name is not told again.
tl::expected<schema::Enrolled, std::string> let_in(const Plan& plan, const schema::CurveKey& key,
                                                   const schema::EnrolToken& token) {
  const std::string& endpoint = plan.wiring.endpoint;
  auto enrolled = enrol({endpoint, token.key, token.collector}, key.public_key, kPatienceMs);
  if (enrolled) return std::move(*enrolled);
  if (!enrolled.error().refused) return tl::unexpected(enrolled.error().why);
  if (use_key({endpoint, key, token.collector}, kPatienceMs).empty())
    return schema::Enrolled{"", token.collector, ""};
  return tl::unexpected("the collector at " + endpoint +
                        " does not take this token: it was used, has expired or is another "
                        "collector's; ask for a new one, `strop-collector enrol NAME`");
}

tl::expected<bool, Trouble> write_plan(const Plan& plan, const schema::Enrolled& collector) {
  const auto& [endpoint, server_key_file, key_file] = plan.wiring;
  if (const auto written = write_server_keys(server_key_file, collector); !written)
    return tl::unexpected(Trouble{written.error(), 1});
  Config config;
  config.collector = {{endpoint}, server_key_file, key_file, false};
  if (const auto options = read_uplink_options(config); !options)
    return tl::unexpected(Trouble{options.error(), 2});
  const bool changed = plan.text != text_of(plan.config_file);
  if (const auto written = changed ? write_whole(plan.config_file, plan.text) : Result(); !written)
    return tl::unexpected(Trouble{written.error(), 1});
  return changed;
}

}  // namespace

int join(const Places& places, const JoinWhat& given, std::ostream& out, std::ostream& err) {
  const auto complain = [&err](const Trouble& trouble) {
    err << "strop-agent: " << trouble.why << '\n';
    return trouble.code;
  };
  JoinWhat what = given;
  std::optional<schema::EnrolToken> token;
  if (!what.token_file.empty()) {
    auto read = read_token(what.token_file);
    if (!read) return complain({read.error(), 2});
    token = std::move(*read);
    what.server_key = token->collector;
  }
  const auto plan = make_plan(places, what);
  if (!plan) return complain(plan.error());
  const auto key = read_or_make_key(plan->wiring.key_file);
  if (!key) return complain({key.error(), 1});
  schema::Enrolled collector{"", plan->server_key, plan->next_server_key};
  if (token) {
    auto enrolled = let_in(*plan, *key, *token);
    if (!enrolled) return complain({enrolled.error(), 1});
    collector = std::move(*enrolled);
  }
  const auto changed = write_plan(*plan, collector);
  if (!changed) return complain(changed.error());
  out << (*changed ? "Written to " : "Nothing to change in ") << plan->config_file.string();
  if (token)
    out << ". The collector lets this machine in"
        << (collector.name.empty() ? "" : " as " + collector.name) << ".\n";
  else
    out << ". Ask whoever runs the collector to let you in:\n\n"
        << "  sudo -u strop strop-collector keys allow "
        << (key->public_key.starts_with('-') ? "-- " : "") << "YOUR_NAME '" << key->public_key
        << "'\n";
  return 0;
}

}  // namespace strop::agent
