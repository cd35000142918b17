#include "agent/join.h"

#include <fcntl.h>
#include <toml++/toml.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <fstream>
#include <ostream>
#include <sstream>
#include <tl/expected.hpp>

#include "agent/file_descriptor.h"
#include "agent/uplink.h"
#include "schema/curve_key.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;
using Result = tl::expected<void, std::string>;

constexpr std::size_t kKeyText = 41;  // Z85 and its end
constexpr int kMaxLinks = 40;         // as the kernel follows

std::string first_line_of(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  return line;
}

// Where a file that may be a link really is or will be: people keep configuration in a repository
// of their own and link to it, and a rename over the link would cut that off. A link in a circle
// stays as it is; writing then says so.
fs::path behind_links(fs::path file) {
  std::error_code error;
  for (int hops = 0; hops < kMaxLinks && fs::is_symlink(file, error); ++hops)
    file = file.parent_path() / fs::read_symlink(file, error);
  return file;
}

Result write_whole(const fs::path& named, const std::string& text) {
  std::error_code error;
  const fs::path file = behind_links(named);
  fs::create_directories(file.parent_path(), error);
  const fs::path fresh = file.string() + ".new";
  {
    const FileDescriptor out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!out.is_open() ||
        ::write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(out.get()) != 0)
      return tl::unexpected("cannot write " + fresh.string() + "; is the disk full, or not yours?");
  }
  fs::rename(fresh, file, error);
  if (error) return tl::unexpected("cannot write " + file.string() + ": " + error.message());
  return {};
}

schema::CurveKey draw_key_pair() {
  std::array<char, kKeyText> open{};
  std::array<char, kKeyText> secret{};
  if (::zmq_curve_keypair(open.data(), secret.data()) != 0)
    throw std::runtime_error("libzmq was built without CURVE");
  return {open.data(), secret.data()};
}

tl::expected<schema::CurveKey, std::string> key_in(const fs::path& file) {
  if (fs::exists(file)) return schema::read_curve_key(file);
  const schema::CurveKey key = schema::make_curve_key(draw_key_pair);
  fs::create_directories(file.parent_path());
  if (const auto written = schema::write_curve_key(file, key); !written)
    return tl::unexpected(written.error());
  return key;
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

}  // namespace

int join(const Places& places, const JoinWhat& what, std::ostream& out, std::ostream& err) {
  const auto complain = [&err](const std::string& why, int code) {
    err << "strop-agent: " << why << '\n';
    return code;
  };
  const fs::path folder = places.config_home / "strop";
  const fs::path config_file = what.config_file.empty() ? folder / "agent.toml" : what.config_file;
  const std::string server_key =
      schema::is_curve_key(what.server_key) ? what.server_key : first_line_of(what.server_key);
  if (!schema::is_curve_key(server_key))
    return complain(
        "--server-key must be the collector's public key (40 characters) or a file "
        "whose first line it is; `strop-collector keys generate` printed it",
        2);
  // Judged before anything is written: what is refused leaves no trace.
  if (const auto host = host_of_collector(what.endpoint); !host) return complain(host.error(), 2);
  Wiring wiring{what.endpoint, fs::absolute(config_file.parent_path() / "collector.pub"),
                fs::absolute(what.key_file.empty() ? config_file.parent_path() / "agent.key"
                                                   : what.key_file)};
  const fs::path wished = wiring.key_file;
  const auto text = with_collector(config_file, places.home, wiring);
  if (!text) return complain(text.error(), 2);
  const auto& [endpoint, server_key_file, key_file] = wiring;
  if (!what.key_file.empty() && key_file != wished)
    return complain(config_file.string() + " names another key_file, " + key_file.string() +
                        "; leave out --key, or change it there",
                    2);
  if (const std::string other = first_line_of(server_key_file);
      !other.empty() && other != server_key)
    return complain(server_key_file.string() +
                        " holds another collector's key, which another configuration may use; "
                        "take it away if none does, or give --config in another folder",
                    2);
  const auto key = key_in(key_file);
  if (!key) return complain(key.error(), 1);
  if (const auto written = write_whole(server_key_file, server_key + "\n"); !written)
    return complain(written.error(), 1);
  Config config;
  config.collector = {endpoint, server_key_file, key_file, false};
  if (const auto options = read_uplink_options(config); !options)
    return complain(options.error(), 2);
  const bool changed = *text != text_of(config_file);
  if (const auto written = changed ? write_whole(config_file, *text) : Result(); !written)
    return complain(written.error(), 1);
  out << (changed ? "Written to " : "Nothing to change in ") << config_file.string()
      << ". Ask whoever runs the collector to let you in:\n\n"
      << "  sudo -u strop strop-collector keys allow "
      << (key->public_key.starts_with('-') ? "-- " : "") << "YOUR_NAME '" << key->public_key
      << "'\n";
  return 0;
}

}  // namespace strop::agent
