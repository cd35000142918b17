// What waits to come on the allow-list: one-time tokens, and keys that take another's place.
//
//   DIR/enrol.list   lines `token HASH NAME UNTIL`, once used `used HASH NAME UNTIL`, and
//                    `successor NEW_KEY OLD_KEY`; `# ` starts a comment
//
// HASH is of a token's public key: the list lets nobody in who reads it. UNTIL is in seconds of the
// Unix epoch. Values and functions over files, any thread and process, like collector/keys.h.
// Errors: returned, saying what to do; of a name that cannot be, UsageError.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "collector/keys_folder.h"
#include "schema/enrol_token.h"

namespace strop::collector {

struct TokenLine {
  std::string name;
  std::int64_t until_s = 0;
  bool used = false;
  bool operator==(const TokenLine&) const = default;
};

class EnrolList {
 public:
  // Lines that make no sense are passed over: they let nobody in.
  static EnrolList parse(const std::string& text);
  std::string text() const;

  // The token whose public key this is.
  const TokenLine* token_of(const std::string& public_key) const;
  // The key that this one takes the place of.
  std::optional<std::string> predecessor_of(const std::string& key) const;

  std::vector<std::string> successors_of(const std::string& key) const;

  void add(const std::string& public_key, TokenLine line);
  void use(const std::string& public_key);
  void add_successor(const std::string& key, const std::string& predecessor);
  void remove_successor(const std::string& key) { predecessors_.erase(key); }
  std::size_t remove(const std::string& name);  // how many of its tokens could still be used
  // Tokens past their time are kept for a while, so that the log can say what became of them.
  void sweep(std::int64_t now_s);

 private:
  std::map<std::string, TokenLine> tokens_;          // by hash
  std::map<std::string, std::string> predecessors_;  // by the key that comes
};

std::filesystem::path enrol_list_file(const std::filesystem::path& keys);
tl::expected<EnrolList, std::string> read_enrol_list(const std::filesystem::path& keys);

// Makes a token for `name`, good for one machine until `until_s`.
tl::expected<schema::EnrolToken, std::string> make_token(const std::filesystem::path& keys,
                                                         const std::string& name,
                                                         std::int64_t now_s, std::int64_t until_s);

enum class EnrolFault {
  kUnknown,  // no such token
  kUsed,
  kExpired,
  kOthersKey,  // the new key is another's already
  kFolder,     // the list cannot be written now
};

struct EnrolRefusal {
  EnrolFault fault = EnrolFault::kUnknown;
  std::string reason;
};

// Puts `key` on the allow-list as whom the token is for, and uses the token up: first that, for a
// token taken twice is worse than one to be made again. The name.
tl::expected<std::string, EnrolRefusal> redeem(const std::filesystem::path& keys,
                                               const std::string& token_public_key,
                                               const std::string& key, std::int64_t now_s);

// Puts `key` on the allow-list beside `predecessor`, which is taken off by retire_predecessor.
// Twice is once. The name.
tl::expected<std::string, EnrolRefusal> succeed(const std::filesystem::path& keys,
                                                const std::string& predecessor,
                                                const std::string& key);

// `key` was used: what it takes the place of goes.
KeyResult retire_predecessor(const std::filesystem::path& keys, const std::string& key);

}  // namespace strop::collector
