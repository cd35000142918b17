#include "collector/pseudonym.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "collector/usage.h"

namespace strop::collector {
namespace {

constexpr std::size_t kKeyBytes = crypto_auth_hmacsha256_KEYBYTES;
constexpr std::size_t kPseudonymDigits = 32;

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& what) {
  throw UsageError("pseudonym key " + file.string() + ": " + what);
}

std::string hex(const unsigned char* bytes, std::size_t size) {
  std::string out(2 * size + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), bytes, size);
  out.pop_back();
  return out;
}

std::string make(const std::filesystem::path& file) {
  std::string key(kKeyBytes, '\0');
  randombytes_buf(key.data(), key.size());
  const std::string text =
      hex(reinterpret_cast<const unsigned char*>(key.data()), key.size()) + "\n";
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) refuse(file, std::strerror(errno));
  const bool good = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                    ::fsync(fd) == 0;
  const std::string why = std::strerror(errno);
  ::close(fd);
  if (good) return key;
  ::unlink(file.c_str());
  refuse(file, why);
}

std::string read(const std::filesystem::path& file, int fd) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) refuse(file, std::strerror(errno));
  if ((facts.st_mode & 077) != 0) refuse(file, "others may read it; chmod 600 " + file.string());
  std::string text(2 * kKeyBytes, '\0');
  std::string key(kKeyBytes, '\0');
  std::size_t size = 0;
  if (::read(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      sodium_hex2bin(reinterpret_cast<unsigned char*>(key.data()), key.size(), text.data(),
                     text.size(), nullptr, &size, nullptr) != 0 ||
      size != kKeyBytes)
    refuse(file, "not 64 hexadecimal digits; restore it, or every contributor becomes a new one");
  return key;
}

}  // namespace

Pseudonyms::Pseudonyms(const std::filesystem::path& key_file) {
  const int fd = ::open(key_file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno != ENOENT) refuse(key_file, std::strerror(errno));
    key_ = make(key_file);
    return;
  }
  try {
    key_ = read(key_file, fd);
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
}

std::string Pseudonyms::contributor(const std::string& user, const schema::WireId& install) const {
  const std::string who = user.empty() ? "install:" + schema::to_hex(install) : "user:" + user;
  unsigned char mac[crypto_auth_hmacsha256_BYTES];
  crypto_auth_hmacsha256(mac, reinterpret_cast<const unsigned char*>(who.data()), who.size(),
                         reinterpret_cast<const unsigned char*>(key_.data()));
  return hex(mac, sizeof(mac)).substr(0, kPseudonymDigits);
}

}  // namespace strop::collector
