#include "collector/keys.h"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <sstream>

#include "collector/enrol_list.h"
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

KeyResult change_list(const std::filesystem::path& keys,
                      const std::function<KeyResult(AllowList&)>& change) {
  const KeysLock lock(keys);
  if (auto held = lock.held(); !held) return held;
  auto list = read_allow_list(keys);
  if (!list) return tl::unexpected(list.error());
  if (auto changed = change(*list); !changed) return changed;
  return replace_list(allow_list_file(keys), list->text());
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
std::filesystem::path next_server_key_file(const std::filesystem::path& keys) {
  return keys / "server.key.next";
}
std::filesystem::path allow_list_file(const std::filesystem::path& keys) {
  return keys / "allow.list";
}

schema::CurveKey make_key_pair() { return schema::make_curve_key(draw_key_pair); }

tl::expected<schema::CurveKey, std::string> generate_server_key(const std::filesystem::path& keys) {
  const bool made = ::mkdir(keys.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return key_failure(keys, std::strerror(errno));
  if (made && !give_to_folder_owner(keys)) return key_failure(keys, std::strerror(errno));
  const schema::CurveKey key = make_key_pair();
  if (auto written = schema::write_curve_key(server_key_file(keys), key); !written)
    return tl::unexpected(written.error());
  if (!give_to_folder_owner(server_key_file(keys)))
    return key_failure(server_key_file(keys), std::strerror(errno));
  return key;
}

tl::expected<schema::CurveKey, std::string> prepare_next_server_key(
    const std::filesystem::path& keys) {
  if (!std::filesystem::exists(server_key_file(keys)))
    return key_failure(server_key_file(keys), "there is none; `keys generate` makes it");
  const schema::CurveKey key = make_key_pair();
  const auto file = next_server_key_file(keys);
  if (auto written = schema::write_curve_key(file, key); !written)
    return tl::unexpected(written.error());
  if (!give_to_folder_owner(file)) return key_failure(file, std::strerror(errno));
  return key;
}

KeyResult take_next_server_key(const std::filesystem::path& keys) {
  const auto next = next_server_key_file(keys);
  if (auto good = schema::read_curve_key(next); !good)
    return tl::unexpected(good.error() + "; `keys rotate` makes it first");
  const KeysLock lock(keys);
  if (auto held = lock.held(); !held) return held;
  const auto now = server_key_file(keys);
  const std::filesystem::path old = now.string() + ".old";
  ::unlink(old.c_str());
  // Two names for one file until the new one has the place: there is a server.key at any moment.
  if (::link(now.c_str(), old.c_str()) != 0 || ::rename(next.c_str(), now.c_str()) != 0)
    return key_failure(now, std::strerror(errno));
  return sync_keys_folder(keys);
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
    auto waiting = read_enrol_list(keys);
    if (!waiting) return tl::unexpected(waiting.error());
    const bool had_tokens = waiting->remove(name) > 0;
    if (list.remove(name) == 0 && !had_tokens)
      throw UsageError("nobody named '" + name + "' is on the list; `keys list` shows who is");
    if (!had_tokens) return {};
    return replace_list(enrol_list_file(keys), waiting->text());
  });
}

tl::expected<std::string, std::string> allow_list_text(const std::filesystem::path& keys) {
  return read_list(allow_list_file(keys));
}

tl::expected<AllowList, std::string> read_allow_list(const std::filesystem::path& keys) {
  const auto text = allow_list_text(keys);
  if (!text) return tl::unexpected(text.error());
  std::vector<int> bad;
  AllowList list = AllowList::parse(*text, &bad);
  if (!bad.empty())
    return key_failure(allow_list_file(keys),
                       "line " + std::to_string(bad.front()) + " is not `PUBLIC_KEY NAME`");
  return list;
}

}  // namespace strop::collector
