#include "collector/keys.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <sstream>

#include "collector/owned_file.h"
#include "collector/usage.h"

namespace strop::collector {
namespace {

constexpr std::size_t kZ85Bytes = 41;  // 40 and the closing zero

std::string z85(const unsigned char* key) {
  char out[kZ85Bytes];
  zmq_z85_encode(out, key, crypto_box_PUBLICKEYBYTES);
  return out;
}

tl::unexpected<std::string> failure(const std::filesystem::path& file, const std::string& what) {
  return tl::unexpected(file.string() + ": " + what);
}

// Holds a lock file; other commands that change the list wait.
class ListLock {
 public:
  explicit ListLock(const std::filesystem::path& keys)
      : fd_(open_owned(keys / "allow.lock", O_RDWR)) {
    if (fd_ >= 0) locked_ = ::flock(fd_, LOCK_EX) == 0;
  }
  ListLock(const ListLock&) = delete;
  ListLock& operator=(const ListLock&) = delete;
  ~ListLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool locked() const { return locked_; }

 private:
  int fd_;
  bool locked_ = false;
};

// A file that a killed command left half written is made anew: it may be another user's.
bool write_and_sync(const std::filesystem::path& file, const std::string& text) {
  ::unlink(file.c_str());
  const int fd = open_owned(file, O_WRONLY | O_EXCL);
  if (fd < 0) return false;
  const bool good = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                    ::fsync(fd) == 0;
  return ::close(fd) == 0 && good;
}

// A reader sees the old list or the new one, never half of it.
KeyResult replace_list(const std::filesystem::path& keys, const AllowList& list) {
  const auto file = allow_list_file(keys);
  const auto fresh = std::filesystem::path(file.string() + ".new");
  if (!write_and_sync(fresh, list.text())) return failure(fresh, std::strerror(errno));
  if (::rename(fresh.c_str(), file.c_str()) != 0) return failure(file, std::strerror(errno));
  return {};
}

KeyResult change_list(const std::filesystem::path& keys,
                      const std::function<KeyResult(AllowList&)>& change) {
  const ListLock lock(keys);
  if (!lock.locked())
    return failure(keys, std::string(std::strerror(errno)) +
                             "; is this the folder that `strop-collector keys generate` made?");
  auto list = read_allow_list(keys);
  if (!list) return tl::unexpected(list.error());
  if (auto changed = change(*list); !changed) return changed;
  return replace_list(keys, *list);
}

// By libsodium and not zmq_curve_keypair, whose first call from several threads at once is unsafe
// (libzmq issue 4242).
schema::CurveKey draw_key_pair() {
  unsigned char public_key[crypto_box_PUBLICKEYBYTES];
  unsigned char secret_key[crypto_box_SECRETKEYBYTES];
  crypto_box_keypair(public_key, secret_key);
  schema::CurveKey key{z85(public_key), z85(secret_key)};
  sodium_memzero(secret_key, sizeof(secret_key));
  return key;
}

}  // namespace

AllowList AllowList::parse(const std::string& text, std::vector<int>* bad_lines) {
  AllowList list;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.empty() || line.starts_with("# ") || line == "#") continue;
    const std::size_t space = line.find(' ');
    const std::string key = line.substr(0, space);
    const std::string name = space == std::string::npos ? "" : line.substr(space + 1);
    if (schema::is_curve_key(key) && is_user_name(name))
      list.add(key, name);
    else if (bad_lines != nullptr)
      bad_lines->push_back(number);
  }
  return list;
}

std::string AllowList::text() const {
  std::string out =
      "# Who may send events: PUBLIC_KEY NAME. A change is in force within a second.\n";
  for (const auto& [key, name] : names_) out += key + ' ' + name + '\n';
  return out;
}

std::optional<std::string> AllowList::name_of(const std::string& public_key) const {
  const auto found = names_.find(public_key);
  if (found == names_.end()) return std::nullopt;
  return found->second;
}

std::size_t AllowList::remove(const std::string& name) {
  return std::erase_if(names_, [&](const auto& entry) { return entry.second == name; });
}

bool is_user_name(const std::string& name) {
  constexpr std::size_t kLongest = 64;
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@";
  return !name.empty() && name.size() <= kLongest &&
         name.find_first_not_of(kAllowed) == std::string::npos;
}

std::filesystem::path server_key_file(const std::filesystem::path& keys) {
  return keys / "server.key";
}
std::filesystem::path allow_list_file(const std::filesystem::path& keys) {
  return keys / "allow.list";
}

schema::CurveKey make_key_pair() { return schema::make_curve_key(draw_key_pair); }

tl::expected<schema::CurveKey, std::string> generate_server_key(const std::filesystem::path& keys) {
  const bool made = ::mkdir(keys.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return failure(keys, std::strerror(errno));
  if (made && !give_to_folder_owner(keys)) return failure(keys, std::strerror(errno));
  const schema::CurveKey key = make_key_pair();
  if (auto written = schema::write_curve_key(server_key_file(keys), key); !written)
    return tl::unexpected(written.error());
  if (!give_to_folder_owner(server_key_file(keys)))
    return failure(server_key_file(keys), std::strerror(errno));
  return key;
}

KeyResult allow(const std::filesystem::path& keys, const std::string& name,
                const std::string& public_key) {
  if (!is_user_name(name))
    throw UsageError("'" + name + "' is no name: 1 to 64 letters, digits and -_.@");
  if (!schema::is_curve_key(public_key))
    throw UsageError("'" + public_key + "' is no public key: 40 characters of Z85");
  return change_list(keys, [&](AllowList& list) -> KeyResult {
    if (const auto owner = list.name_of(public_key); owner && *owner != name)
      throw UsageError("this key is " + *owner + "'s already; revoke it there first");
    list.add(public_key, name);
    return {};
  });
}

KeyResult revoke(const std::filesystem::path& keys, const std::string& name) {
  return change_list(keys, [&](AllowList& list) -> KeyResult {
    if (list.remove(name) == 0)
      throw UsageError("nobody named '" + name + "' is on the list; `keys list` shows who is");
    return {};
  });
}

tl::expected<std::string, std::string> allow_list_text(const std::filesystem::path& keys) {
  const auto file = allow_list_file(keys);
  const auto cannot = [&file] {
    return failure(file, std::string(std::strerror(errno)) +
                             "; it must be readable for the collector's user: chown it to them");
  };
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::string();
  if (fd < 0) return cannot();
  std::string text;
  std::array<char, 4096> part{};
  ssize_t size = 0;
  while ((size = ::read(fd, part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<std::size_t>(size));
  const int error = errno;
  ::close(fd);
  errno = error;
  if (size < 0) return cannot();
  return text;
}

tl::expected<AllowList, std::string> read_allow_list(const std::filesystem::path& keys) {
  const auto text = allow_list_text(keys);
  if (!text) return tl::unexpected(text.error());
  std::vector<int> bad;
  AllowList list = AllowList::parse(*text, &bad);
  if (!bad.empty())
    return failure(allow_list_file(keys),
                   "line " + std::to_string(bad.front()) + " is not `PUBLIC_KEY NAME`");
  return list;
}

}  // namespace strop::collector
