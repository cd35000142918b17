#include "agent/key_files.h"

#include <fcntl.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cstring>
#include <fstream>

#include "agent/file_descriptor.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kKeyText = 41;  // Z85 and its end
constexpr int kMaxLinks = 40;         // as the kernel follows

// Where a file that may be a link really is or will be: a rename over the link would cut it off. A
// link in a circle stays as it is; writing then says so.
fs::path behind_links(fs::path file) {
  std::error_code error;
  for (int hops = 0; hops < kMaxLinks && fs::is_symlink(file, error); ++hops)
    file = file.parent_path() / fs::read_symlink(file, error);
  return file;
}

schema::CurveKey draw_key_pair() {
  std::array<char, kKeyText> open{};
  std::array<char, kKeyText> secret{};
  if (::zmq_curve_keypair(open.data(), secret.data()) != 0)
    throw std::runtime_error("libzmq was built without CURVE");
  return {open.data(), secret.data()};
}

}  // namespace

FileResult replace_file(const fs::path& fresh, const fs::path& named) {
  const fs::path file = behind_links(named);
  std::error_code error;
  fs::rename(fresh, file, error);
  if (error) return tl::unexpected("cannot write " + file.string() + ": " + error.message());
  const FileDescriptor folder(
      ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || ::fsync(folder.get()) != 0)
    return tl::unexpected("cannot write " + file.string() + ": " + std::strerror(errno));
  return {};
}

FileResult write_whole(const fs::path& named, const std::string& text) {
  std::error_code error;
  const fs::path file = fs::absolute(behind_links(named));
  fs::create_directories(file.parent_path(), error);
  const fs::path fresh = file.string() + ".new";
  {
    const FileDescriptor out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!out.is_open() ||
        ::write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(out.get()) != 0)
      return tl::unexpected("cannot write " + fresh.string() + "; is the disk full, or not yours?");
  }
  return replace_file(fresh, file);
}

tl::expected<schema::CurveKey, std::string> read_or_make_key(const fs::path& file) {
  if (fs::exists(file)) return schema::read_curve_key(file);
  const schema::CurveKey key = schema::make_curve_key(draw_key_pair);
  fs::create_directories(fs::absolute(file).parent_path());
  if (const auto written = schema::write_curve_key(file, key); !written)
    return tl::unexpected(written.error());
  return key;
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    line.erase(line.find_last_not_of(" \r") + 1);
    if (!line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

FileResult write_server_keys(const fs::path& file, const schema::Enrolled& enrolled) {
  std::vector<std::string> keys{enrolled.server_key};
  if (!enrolled.next_server_key.empty()) keys.push_back(enrolled.next_server_key);
  if (lines_of(file) == keys) return {};
  std::string text;
  for (const std::string& key : keys) text += key + '\n';
  return write_whole(file, text);
}

}  // namespace strop::agent
