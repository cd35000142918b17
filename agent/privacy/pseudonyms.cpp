#include "agent/privacy/pseudonyms.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/file_descriptor.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKeyFile = "pseudonym.key";
static_assert(Pseudonyms::kKeyBytes == crypto_auth_hmacsha256_KEYBYTES);

tl::unexpected<std::string> cannot(const char* what, const fs::path& file) {
  return tl::unexpected(std::string("cannot ") + what + " " + file.string() + ": " +
                        std::strerror(errno));
}

}  // namespace

tl::expected<std::optional<Pseudonyms>, std::string> Pseudonyms::read(const fs::path& state) {
  if (sodium_init() < 0) return tl::unexpected(std::string("libsodium does not work here"));
  const fs::path file = state / kKeyFile;
  const FileDescriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.is_open() && errno == ENOENT) return std::nullopt;
  struct stat facts {};
  if (!in.is_open() || ::fstat(in.get(), &facts) != 0) return cannot("read", file);
  if ((facts.st_mode & 077U) != 0)
    return tl::unexpected("others may read " + file.string() + "; do: chmod 600 " + file.string());
  Key key{};
  if (facts.st_size != static_cast<off_t>(key.size()) ||
      ::read(in.get(), key.data(), key.size()) != static_cast<ssize_t>(key.size()))
    return tl::unexpected(file.string() + " is damaged; remove it, and files get new pseudonyms");
  return Pseudonyms(key);
}

tl::expected<Pseudonyms, std::string> Pseudonyms::read_or_make(const fs::path& state) {
  auto known = read(state);
  if (!known) return tl::unexpected(known.error());
  if (*known) return **known;
  std::error_code error;
  fs::create_directories(state, error);
  const fs::path file = state / kKeyFile;
  // Written beside and linked into place: of two agents that start at once, one key stands.
  const fs::path own = state / (std::string(kKeyFile) + "." + std::to_string(::getpid()));
  Key fresh{};
  crypto_auth_hmacsha256_keygen(fresh.data());
  {
    const FileDescriptor out(::open(own.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!out.is_open() ||
        ::write(out.get(), fresh.data(), fresh.size()) != static_cast<ssize_t>(fresh.size()) ||
        ::fsync(out.get()) != 0) {
      auto failure = cannot("write", own);
      ::unlink(own.c_str());
      return failure;
    }
  }
  static_cast<void>(::link(own.c_str(), file.c_str()));
  ::unlink(own.c_str());
  known = read(state);
  if (!known) return tl::unexpected(known.error());
  if (!*known) return cannot("make", file);
  return **known;
}

std::string Pseudonyms::of(std::string_view text) const {
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> digest{};
  crypto_auth_hmacsha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()),
                         text.size(), key_.data());
  constexpr std::size_t kBytes = 16;
  std::array<char, 2 * kBytes + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), kBytes);
  return hex.data();
}

// Of the path, not of the URI: editors write the same path in several ways.
std::string Pseudonyms::of_file(const fs::path& real) const {
  return of_uri("file://" + real.string());
}

std::string Pseudonyms::of_uri(std::string_view uri) const { return "strop:" + of(uri); }

}  // namespace strop::agent
