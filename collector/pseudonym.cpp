#include "collector/pseudonym.h"

#include "collector/secret_key.h"

namespace strop::collector {
namespace {

constexpr std::size_t kPseudonymDigits = 32;

}  // namespace

Pseudonyms::Pseudonyms(const std::filesystem::path& key_file)
    : key_(read_or_make_key(key_file, "pseudonym key", "every contributor becomes a new one")) {}

std::string Pseudonyms::contributor(const std::string& user, const schema::WireId& install) const {
  const std::string who = user.empty() ? "install:" + schema::to_hex(install) : "user:" + user;
  return to_hex_digits(keyed_hash(key_, who)).substr(0, kPseudonymDigits);
}

}  // namespace strop::collector
