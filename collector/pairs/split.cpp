#include "collector/pairs/split.h"

#include <cstdint>

#include "collector/secret_key.h"

namespace strop::collector {
namespace {

constexpr std::size_t kPseudonymDigits = 32;

// Fields are told apart by their lengths, so that no two origins read the same.
void append(std::string& out, std::string_view field) {
  out += std::to_string(field.size());
  out += ':';
  out += field;
}

std::string group_of(const Origin& origin) {
  std::string out;
  append(out, origin.contributor);
  append(out, origin.repository);
  return out;
}

std::string document_of(const Origin& origin) {
  std::string out = group_of(origin);
  append(out, origin.document);
  return out;
}

// The first eight bytes as a fraction of 1.
double fraction(const std::string& mac) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(mac[i]);
  return static_cast<double>(value >> 11) * 0x1p-53;
}

}  // namespace

std::string_view to_word(SplitBy by) {
  switch (by) {
    case SplitBy::kRepository:
      return "repository";
    case SplitBy::kDocument:
      return "document";
    case SplitBy::kNone:
      return "none";
  }
  return "";
}

std::string Splitter::side(const Origin& origin) const {
  if (by_ == SplitBy::kNone) return "train";
  const std::string place =
      by_ == SplitBy::kRepository ? "group:" + group_of(origin) : "document:" + document_of(origin);
  return fraction(keyed_hash(key_, place)) < share_ ? "heldout" : "train";
}

std::string Splitter::repository_pseudonym(const std::string& repository) const {
  if (repository.empty()) return "";
  return to_hex_digits(keyed_hash(key_, "repository:" + repository)).substr(0, kPseudonymDigits);
}

void SplitChooser::see(const Origin& origin) {
  groups_.insert(group_of(origin));
  documents_.insert(document_of(origin));
}

SplitBy SplitChooser::choose() const {
  if (groups_.size() >= kEnough) return SplitBy::kRepository;
  return documents_.size() >= kEnough ? SplitBy::kDocument : SplitBy::kNone;
}

}  // namespace strop::collector
