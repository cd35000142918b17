// Which pairs are held out: decided by a keyed hash of where they come from, so that the same place
// is always on the same side, and nobody can choose the side.
//
// Pure, any thread. The key never rotates: another key is another split, and what was held out
// would be trained on. A larger share only moves places from train to held out.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace strop::collector {

// What stays together. kNone: too little to hold anything out; all is for training.
enum class SplitBy { kRepository, kDocument, kNone };
std::string_view to_word(SplitBy by);  // "repository", "document", "none"

// Where a pair comes from.
struct Origin {
  std::string contributor;
  std::string repository;
  std::string document;
};

class Splitter {
 public:
  // REQUIRES: 0 ≤ share < 1.
  Splitter(std::string key, SplitBy by, double share)
      : key_(std::move(key)), by_(by), share_(share) {}

  // "train" or "heldout".
  std::string side(const Origin& origin) const;
  // 32 hexadecimal digits; empty stays empty.
  std::string repository_pseudonym(const std::string& repository) const;

  SplitBy by() const { return by_; }
  double share() const { return share_; }

 private:
  std::string key_;
  SplitBy by_;
  double share_;
};

// Counts places to find what can be held out whole: (contributor, repository) where there are
// enough of them for the share to be about right, else documents, else nothing.
class SplitChooser {
 public:
  static constexpr std::size_t kEnough = 20;

  void see(const Origin& origin);
  SplitBy choose() const;
  std::size_t groups() const { return groups_.size(); }
  std::size_t documents() const { return documents_.size(); }

 private:
  std::set<std::string> groups_;
  std::set<std::string> documents_;
};

}  // namespace strop::collector
