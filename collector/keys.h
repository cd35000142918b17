// The folder of keys: the collector's own pair, and the allow-list of developers' public keys.
//
//   DIR/server.key   the collector's CURVE pair, mode 0600
//   DIR/server.key.next   the one that is to take its place, if any
//   DIR/allow.list   lines `PUBLIC_KEY NAME`; `# ` starts a comment; a name may have several keys
//
// Values and functions over files, any thread and process: writers lock, and replace the list in
// one step. Errors: returned, saying what to do; of a name or a key that cannot be, UsageError.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "collector/keys_folder.h"
#include "schema/curve_key.h"

namespace strop::collector {

// Public keys and whose they are.
class AllowList {
 public:
  // Lines that make no sense come back in `bad_lines` (1-based) and allow nobody.
  static AllowList parse(const std::string& text, std::vector<int>* bad_lines = nullptr);
  std::string text() const;

  std::optional<std::string> name_of(const std::string& public_key) const;
  const std::map<std::string, std::string>& names_by_key() const { return names_; }

  void add(const std::string& public_key, const std::string& name) { names_[public_key] = name; }
  std::size_t remove(const std::string& name);  // how many keys went
  void remove_key(const std::string& public_key) { names_.erase(public_key); }

 private:
  std::map<std::string, std::string> names_;
};

// Letters, digits and -_.@, at most 64.
bool is_user_name(const std::string& name);

std::filesystem::path server_key_file(const std::filesystem::path& keys);
std::filesystem::path next_server_key_file(const std::filesystem::path& keys);
std::filesystem::path allow_list_file(const std::filesystem::path& keys);

schema::CurveKey make_key_pair();

// Makes the folder (mode 0700) if need be, and the collector's pair in it; never overwrites one.
// They are the owner's of the folder that they lie in, as all files here are, also when root made
// them.
tl::expected<schema::CurveKey, std::string> generate_server_key(const std::filesystem::path& keys);

// Makes the pair that is to take server.key's place; agents hear of it when their keys are enrolled
// or replaced. Never overwrites one.
tl::expected<schema::CurveKey, std::string> prepare_next_server_key(
    const std::filesystem::path& keys);
// It takes the place; the old pair stays as server.key.old. A collector that runs has to be started
// anew.
KeyResult take_next_server_key(const std::filesystem::path& keys);

KeyResult allow(const std::filesystem::path& keys, const std::string& name,
                const std::string& public_key);
// Takes all keys of `name` off the list, and the tokens that were made for it.
KeyResult revoke(const std::filesystem::path& keys, const std::string& name);
// The list as it stands in its file; empty if there is none yet. One that cannot be read is an
// error, never an empty list.
tl::expected<std::string, std::string> allow_list_text(const std::filesystem::path& keys);
tl::expected<AllowList, std::string> read_allow_list(const std::filesystem::path& keys);

}  // namespace strop::collector
