#include "schema/curve_key.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "schema/file_descriptor.h"
#include "schema/private_file.h"

namespace strop::schema {
namespace {

constexpr std::size_t kKeySize = 40;

tl::unexpected<std::string> failure(const std::filesystem::path& file, const std::string& what) {
  return tl::unexpected("key file " + file.string() + ": " + what);
}

tl::expected<CurveKey, std::string> parse(const std::filesystem::path& file,
                                          const std::string& text) {
  CurveKey key;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.empty() || line.starts_with("# ") || line == "#") continue;
    const std::size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    const std::string value = space == std::string::npos ? "" : line.substr(space + 1);
    if (name != "public" && name != "secret")
      return failure(file, "expected lines 'public KEY' and 'secret KEY'");
    if (!is_curve_key(value))
      return failure(file, "the " + name + " key is not 40 characters of Z85");
    (name == "public" ? key.public_key : key.secret_key) = value;
  }
  if (key.public_key.empty() || key.secret_key.empty())
    return failure(file, "a line 'public KEY' or 'secret KEY' is missing");
  return key;
}

}  // namespace

bool is_curve_key(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  return text.size() == kKeySize && text.find_first_not_of(kAlphabet) == std::string_view::npos;
}

CurveKey make_curve_key(const std::function<CurveKey()>& draw) {
  CurveKey key = draw();
  while (key.public_key.starts_with('-')) key = draw();
  return key;
}

tl::expected<CurveKey, std::string> read_curve_key(const std::filesystem::path& file) {
  const auto text = read_private_file(file, "key file");
  if (!text) return tl::unexpected(text.error());
  return parse(file, *text);
}

tl::expected<void, std::string> write_curve_key(const std::filesystem::path& file,
                                                const CurveKey& key) {
  const FileDescriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.is_open())
    return failure(file, errno == EEXIST ? "it exists already and is never overwritten"
                                         : std::strerror(errno));
  const std::string text =
      "# CURVE key of Strop. Whoever has it can speak in its owner's name.\npublic " +
      key.public_key + "\nsecret " + key.secret_key + "\n";
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(fd.get()) != 0) {
    const std::string why = std::strerror(errno);
    ::unlink(file.c_str());
    return failure(file, why);
  }
  return {};
}

}  // namespace strop::schema
