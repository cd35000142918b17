// Typed reading of one TOML table, strict about what it does not know.
//
// Holds a reference to the table; one thread. Errors: std::invalid_argument naming the key, what
// was found, and, for an unknown key, the known ones: a misspelt option must never be silently
// ignored. Callers in commands/ turn it into exit code 2.
#pragma once

#include <toml++/toml.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace strop::trainer {

class TomlReader {
 public:
  TomlReader(const toml::table& table, std::string where)
      : table_(table), where_(std::move(where)) {}

  template <class T>
  void read(const std::string& key, T& into) {
    known_.insert(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return;
    if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      const toml::array* array = node->as_array();
      if (array == nullptr) fail(key, "a list of strings");
      into.clear();
      for (const toml::node& one : *array) {
        const auto text = one.value<std::string>();
        if (!text) fail(key, "a list of strings");
        into.push_back(*text);
      }
    } else {
      // What TOML calls a number is no truth value, nor the other way round.
      const bool alike = node->is_boolean() == std::is_same_v<T, bool>;
      const auto value = node->value<T>();
      if (!alike || !value)
        fail(key, std::is_same_v<T, std::string> ? "a string"
                  : std::is_same_v<T, bool>      ? "true or false"
                  : std::is_floating_point_v<T>  ? "a number"
                  : std::is_unsigned_v<T>        ? "a whole number, 0 or more"
                                                 : "a whole number");
      into = *value;
    }
  }

  // The sub-table KEY, empty if it is not there.
  toml::table table(const std::string& key) {
    known_.insert(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    if (node->as_table() == nullptr) fail(key, "a table");
    return *node->as_table();
  }

  // Call last: refuses what was not asked for.
  void finish() const {
    for (const auto& [key, value] : table_) {
      if (known_.contains(std::string(key.str()))) continue;
      std::string names;
      for (const std::string& name : known_) names += (names.empty() ? "" : ", ") + name;
      throw std::invalid_argument(where_ + ": unknown key '" + std::string(key.str()) +
                                  "' (known: " + names + ")");
    }
  }

 private:
  [[noreturn]] void fail(const std::string& key, const std::string& wanted) const {
    throw std::invalid_argument(where_ + ": '" + key + "' must be " + wanted);
  }

  const toml::table& table_;
  std::string where_;
  std::set<std::string> known_;
};

// Parses FILE. Throws std::invalid_argument with the line of the mistake, or that the file cannot
// be read.
toml::table read_toml(const std::string& file);

// PATH as FILE means it: relative to FILE's folder. An empty one stays empty.
std::string path_beside(const std::string& file, const std::string& path);

}  // namespace strop::trainer
