#include "collector/secret_key.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "collector/owned_file.h"
#include "collector/usage.h"

namespace strop::collector {
namespace {

constexpr std::size_t kKeyBytes = crypto_auth_hmacsha256_KEYBYTES;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

class KeyFile {
 public:
  KeyFile(const std::filesystem::path& path, const std::string& what, const std::string& loss)
      : path_(path), what_(what), loss_(loss) {}

  std::string read_or_make() const {
    if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start");
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      if (errno != ENOENT) refuse(std::strerror(errno));
      return make();
    }
    try {
      std::string key = read(fd);
      ::close(fd);
      return key;
    } catch (...) {
      ::close(fd);
      throw;
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw UsageError(what_ + " " + path_.string() + ": " + why);
  }

  std::string make() const {
    std::string key(kKeyBytes, '\0');
    randombytes_buf(key.data(), key.size());
    const std::string text = to_hex_digits(key) + "\n";
    const int fd = open_owned(path_, O_WRONLY | O_EXCL);
    if (fd < 0) refuse(std::strerror(errno));
    const bool good = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                      ::fsync(fd) == 0;
    const std::string why = std::strerror(errno);
    ::close(fd);
    if (good) return key;
    ::unlink(path_.c_str());
    refuse(why);
  }

  std::string read(int fd) const {
    struct stat facts {};
    if (::fstat(fd, &facts) != 0) refuse(std::strerror(errno));
    if ((facts.st_mode & 077) != 0) refuse("others may read it; chmod 600 " + path_.string());
    std::string text(2 * kKeyBytes, '\0');
    std::string key(kKeyBytes, '\0');
    std::size_t size = 0;
    if (::read(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        sodium_hex2bin(reinterpret_cast<unsigned char*>(key.data()), key.size(), text.data(),
                       text.size(), nullptr, &size, nullptr) != 0 ||
        size != kKeyBytes)
      refuse("not 64 hexadecimal digits; restore it, or " + loss_);
    return key;
  }

  const std::filesystem::path& path_;
  const std::string& what_;
  const std::string& loss_;
};

}  // namespace

std::string read_or_make_key(const std::filesystem::path& file, const std::string& what,
                             const std::string& loss) {
  return KeyFile(file, what, loss).read_or_make();
}

std::string keyed_hash(const std::string& key, std::string_view text) {
  std::string mac(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256(reinterpret_cast<unsigned char*>(mac.data()), bytes_of(text), text.size(),
                         bytes_of(key));
  return mac;
}

std::string to_hex_digits(std::string_view bytes) {
  std::string out(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), bytes_of(bytes), bytes.size());
  out.pop_back();
  return out;
}

}  // namespace strop::collector
