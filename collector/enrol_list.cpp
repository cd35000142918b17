#include "collector/enrol_list.h"

#include <sodium.h>

#include <sstream>

#include "collector/keys.h"
#include "collector/secret_key.h"
#include "collector/usage.h"

namespace strop::collector {
namespace {

constexpr std::int64_t kKeepSeconds = 30 * 24 * 3600;

std::string hash_of(const std::string& public_key) {
  std::string hash(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(public_key.data()), public_key.size(),
                     nullptr, 0);
  return to_hex_digits(hash);
}

bool is_hash(const std::string& text) {
  return text.size() == 2 * crypto_generichash_BYTES &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

tl::unexpected<EnrolRefusal> refusal(EnrolFault fault, std::string reason) {
  return tl::unexpected(EnrolRefusal{fault, std::move(reason)});
}

// Both lists as they are under the lock.
struct Lists {
  AllowList allowed;
  EnrolList waiting;
};

tl::expected<Lists, std::string> read_both(const std::filesystem::path& keys) {
  auto allowed = read_allow_list(keys);
  if (!allowed) return tl::unexpected(allowed.error());
  auto waiting = read_enrol_list(keys);
  if (!waiting) return tl::unexpected(waiting.error());
  return Lists{std::move(*allowed), std::move(*waiting)};
}

KeyResult write_waiting(const std::filesystem::path& keys, const EnrolList& list) {
  return replace_list(enrol_list_file(keys), list.text());
}

KeyResult write_allowed(const std::filesystem::path& keys, const AllowList& list) {
  return replace_list(allow_list_file(keys), list.text());
}

}  // namespace

EnrolList EnrolList::parse(const std::string& text) {
  EnrolList list;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string kind;
    std::string first;
    std::string second;
    words >> kind >> first >> second;
    std::int64_t until_s = 0;
    if (kind == "successor" && schema::is_curve_key(first) && schema::is_curve_key(second))
      list.add_successor(first, second);
    else if ((kind == "token" || kind == "used") && is_hash(first) && is_user_name(second) &&
             words >> until_s)
      list.tokens_[first] = {second, until_s, kind == "used"};
  }
  return list;
}

std::string EnrolList::text() const {
  std::string out =
      "# Who is to come on the allow-list, by `strop-collector enrol`. Changed by the collector.\n";
  for (const auto& [hash, line] : tokens_)
    out += (line.used ? "used " : "token ") + hash + ' ' + line.name + ' ' +
           std::to_string(line.until_s) + '\n';
  for (const auto& [key, predecessor] : predecessors_)
    out += "successor " + key + ' ' + predecessor + '\n';
  return out;
}

const TokenLine* EnrolList::token_of(const std::string& public_key) const {
  if (tokens_.empty()) return nullptr;
  const auto found = tokens_.find(hash_of(public_key));
  return found == tokens_.end() ? nullptr : &found->second;
}

std::optional<std::string> EnrolList::predecessor_of(const std::string& key) const {
  const auto found = predecessors_.find(key);
  if (found == predecessors_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> EnrolList::successors_of(const std::string& key) const {
  std::vector<std::string> out;
  for (const auto& [successor, predecessor] : predecessors_)
    if (predecessor == key) out.push_back(successor);
  return out;
}

void EnrolList::add(const std::string& public_key, TokenLine line) {
  tokens_[hash_of(public_key)] = std::move(line);
}

void EnrolList::use(const std::string& public_key) { tokens_[hash_of(public_key)].used = true; }

void EnrolList::add_successor(const std::string& key, const std::string& predecessor) {
  predecessors_[key] = predecessor;
}

std::size_t EnrolList::remove(const std::string& name) {
  return std::erase_if(
      tokens_, [&](const auto& entry) { return entry.second.name == name && !entry.second.used; });
}

void EnrolList::sweep(std::int64_t now_s) {
  std::erase_if(tokens_,
                [&](const auto& entry) { return entry.second.until_s + kKeepSeconds < now_s; });
}

std::filesystem::path enrol_list_file(const std::filesystem::path& keys) {
  return keys / "enrol.list";
}

tl::expected<EnrolList, std::string> read_enrol_list(const std::filesystem::path& keys) {
  const auto text = read_list(enrol_list_file(keys));
  if (!text) return tl::unexpected(text.error());
  return EnrolList::parse(*text);
}

tl::expected<schema::EnrolToken, std::string> make_token(const std::filesystem::path& keys,
                                                         const std::string& name,
                                                         std::int64_t now_s, std::int64_t until_s) {
  if (!is_user_name(name))
    throw UsageError("'" + name + "' is no name: 1 to 64 letters, digits and -_.@");
  const auto server = schema::read_curve_key(server_key_file(keys));
  if (!server)
    return tl::unexpected(server.error() + "; `strop-collector keys generate` makes the folder");
  const schema::EnrolToken token{server->public_key, make_key_pair()};
  const KeysLock lock(keys);
  if (auto held = lock.held(); !held) return tl::unexpected(held.error());
  auto list = read_enrol_list(keys);
  if (!list) return tl::unexpected(list.error());
  list->sweep(now_s);
  list->add(token.key.public_key, {name, until_s, false});
  if (auto written = write_waiting(keys, *list); !written) return tl::unexpected(written.error());
  return token;
}

tl::expected<std::string, EnrolRefusal> redeem(const std::filesystem::path& keys,
                                               const std::string& token_public_key,
                                               const std::string& key, std::int64_t now_s) {
  const KeysLock lock(keys);
  if (auto held = lock.held(); !held) return refusal(EnrolFault::kFolder, held.error());
  auto lists = read_both(keys);
  if (!lists) return refusal(EnrolFault::kFolder, lists.error());
  const TokenLine* const token = lists->waiting.token_of(token_public_key);
  if (token == nullptr) return refusal(EnrolFault::kUnknown, "there is no such token");
  if (token->used) return refusal(EnrolFault::kUsed, "the token was used already");
  if (now_s >= token->until_s) return refusal(EnrolFault::kExpired, "the token has expired");
  const std::string name = token->name;
  if (const auto owner = lists->allowed.name_of(key); owner && *owner != name)
    return refusal(EnrolFault::kOthersKey, "the key is another's already");
  lists->waiting.use(token_public_key);
  lists->allowed.add(key, name);
  if (auto written = write_waiting(keys, lists->waiting); !written)
    return refusal(EnrolFault::kFolder, written.error());
  if (auto written = write_allowed(keys, lists->allowed); !written)
    return refusal(EnrolFault::kFolder, written.error());
  return name;
}

tl::expected<std::string, EnrolRefusal> succeed(const std::filesystem::path& keys,
                                                const std::string& predecessor,
                                                const std::string& key) {
  const KeysLock lock(keys);
  if (auto held = lock.held(); !held) return refusal(EnrolFault::kFolder, held.error());
  auto lists = read_both(keys);
  if (!lists) return refusal(EnrolFault::kFolder, lists.error());
  const auto name = lists->allowed.name_of(predecessor);
  if (!name) return refusal(EnrolFault::kUnknown, "the old key is no longer on the allow-list");
  if (lists->allowed.name_of(key) && lists->waiting.predecessor_of(key) != predecessor)
    return refusal(EnrolFault::kOthersKey, "the key is on the allow-list already");
  // One successor at a time: who announced another with a stolen key is out again.
  for (const std::string& other : lists->waiting.successors_of(predecessor)) {
    lists->allowed.remove_key(other);
    lists->waiting.remove_successor(other);
  }
  lists->waiting.add_successor(key, predecessor);
  lists->allowed.add(key, *name);
  if (auto written = write_waiting(keys, lists->waiting); !written)
    return refusal(EnrolFault::kFolder, written.error());
  if (auto written = write_allowed(keys, lists->allowed); !written)
    return refusal(EnrolFault::kFolder, written.error());
  return *name;
}

KeyResult retire_predecessor(const std::filesystem::path& keys, const std::string& key) {
  const KeysLock lock(keys);
  if (auto held = lock.held(); !held) return held;
  auto lists = read_both(keys);
  if (!lists) return tl::unexpected(lists.error());
  const auto predecessor = lists->waiting.predecessor_of(key);
  if (!predecessor) return {};
  lists->allowed.remove_key(*predecessor);
  lists->waiting.remove_successor(key);
  if (auto written = write_allowed(keys, lists->allowed); !written) return written;
  return write_waiting(keys, lists->waiting);
}

}  // namespace strop::collector
