// Names that stand for files and repositories where their own may not leave.
//
// A value: a key of this user on this machine, and what it makes of a text; the same text always
// has the same name, and nobody without the key can tell which text that is. Any thread. Errors say
// what to do; a key that others may read is none.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace strop::agent {

class Pseudonyms {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  using Key = std::array<unsigned char, kKeyBytes>;

  explicit Pseudonyms(const Key& key) : key_(key) {}

  // With the key that the state folder holds; nothing: it holds none yet.
  static tl::expected<std::optional<Pseudonyms>, std::string> read(
      const std::filesystem::path& state);
  // The same, made at first use.
  static tl::expected<Pseudonyms, std::string> read_or_make(const std::filesystem::path& state);

  // 32 hexadecimal digits.
  std::string of(std::string_view text) const;
  // In the place of a URI. `real`: where the file lies.
  std::string of_file(const std::filesystem::path& real) const;
  // In the place of a URI that is no file's.
  std::string of_uri(std::string_view uri) const;

 private:
  Key key_;
};

}  // namespace strop::agent
