#include "schema/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "schema/file_descriptor.h"

namespace strop::schema {

tl::expected<std::string, std::string> read_private_file(const std::filesystem::path& file,
                                                         const std::string& what) {
  const auto failure = [&](const std::string& why) {
    return tl::unexpected(what + " " + file.string() + ": " + why);
  };
  const FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.is_open()) return failure(std::strerror(errno));
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) return failure(std::strerror(errno));
  if (!S_ISREG(facts.st_mode)) return failure("not a regular file");
  if ((facts.st_mode & 077) != 0)
    return failure("others may read or write it; make it private: chmod 600 " + file.string());
  if (facts.st_uid != ::geteuid()) return failure("it belongs to another user");
  std::string text(kMaxPrivateBytes + 1, '\0');
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size < 0) return failure(std::strerror(errno));
  text.resize(static_cast<std::size_t>(size));
  if (text.size() > kMaxPrivateBytes) return failure("larger than any such file");
  return text;
}

tl::expected<std::string, std::string> read_private_line(const std::filesystem::path& file,
                                                         const std::string& what) {
  auto text = read_private_file(file, what);
  if (!text) return text;
  std::string line = text->substr(0, text->find('\n'));
  line.erase(line.find_last_not_of(" \t\r") + 1);
  if (line.empty()) return tl::unexpected(what + " " + file.string() + ": its first line is empty");
  return line;
}

}  // namespace strop::schema
