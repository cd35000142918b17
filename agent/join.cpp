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

tl::expected<schema::CurveKey, std::string> key_in(const fs::path& file) {
  if (fs::exists(file)) return schema::read_curve_key(file);
  std::array<char, kKeyText> open{};
  std::array<char, kKeyText> secret{};
  if (::zmq_curve_keypair(open.data(), secret.data()) != 0)
    return tl::unexpected(std::string("libzmq was built without CURVE"));
  const schema::CurveKey key{open.data(), secret.data()};
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

// The file as it is and as it will be.
tl::expected<std::string, std::string> with_collector(const fs::path& file,
                                                      const std::string& table) {
  std::string text;
  if (fs::exists(file)) {
    std::ifstream in(file);
    std::ostringstream whole;
    whole << in.rdbuf();
    text = whole.str();
    try {
      if (toml::parse(text).contains("collector"))
        return tl::unexpected(file.string() +
                              " names a collector already; change its [collector] by hand");
    } catch (const toml::parse_error& error) {
      return tl::unexpected(file.string() + ": " + std::string(error.description()));
    }
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    if (!text.empty()) text += '\n';
  }
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
  const fs::path key_file =
      fs::absolute(what.key_file.empty() ? config_file.parent_path() / "agent.key" : what.key_file);
  const std::string server_key =
      schema::is_curve_key(what.server_key) ? what.server_key : first_line_of(what.server_key);
  if (!schema::is_curve_key(server_key))
    return complain(
        "--server-key must be the collector's public key (40 characters) or a file "
        "whose first line it is; `strop-collector keys generate` printed it",
        2);
  // Judged before anything is written: what is refused leaves no trace.
  if (const auto host = host_of_collector(what.endpoint); !host) return complain(host.error(), 2);
  const fs::path server_key_file = fs::absolute(config_file.parent_path() / "collector.pub");
  const std::string table = "[collector]\nendpoint = " + quoted(what.endpoint) +
                            "\nserver_key_file = " + quoted(server_key_file.string()) +
                            "\nkey_file = " + quoted(key_file.string()) + "\n";
  const auto text = with_collector(config_file, table);
  if (!text) return complain(text.error(), 2);
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
  config.collector = {what.endpoint, server_key_file, key_file, false};
  if (const auto options = read_uplink_options(config); !options)
    return complain(options.error(), 2);
  if (const auto written = write_whole(config_file, *text); !written)
    return complain(written.error(), 1);
  out << "Written to " << config_file.string()
      << ". Ask whoever runs the collector to let you in:\n\n"
      << "  strop-collector keys allow YOUR_NAME '" << key->public_key << "'\n";
  return 0;
}

}  // namespace strop::agent
