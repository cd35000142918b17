// JSON by its text: where the values of an object or a list stand, so that one can be exchanged and
// every other byte stays what it was.
//
// Views point into the text given, which the caller keeps. Pure, any thread. Errors: nothing, for
// what is not the kind of value asked for.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strop::agent {

// Whether it is one whole JSON value, all of it well-formed.
bool is_json(std::string_view text);

struct JsonMember {
  std::string key;         // unescaped
  std::string_view text;   // key and value, as they stand
  std::string_view value;  // without white space around it
};

// The members of an object, in order; nothing: no object.
std::optional<std::vector<JsonMember>> json_members(std::string_view object);

// The elements of a list; nothing: no list.
std::optional<std::vector<std::string_view>> json_elements(std::string_view list);

// A member's value; nothing: it is not there, or this is no object. The last of equal keys counts.
std::optional<std::string_view> json_at(std::string_view object, std::string_view key);

// Nothing: it is no string.
std::optional<std::string> json_string(std::string_view value);

bool is_json_object(std::string_view value);

// A text as JSON, quotes included; bytes that are no UTF-8 are replaced.
std::string json_quoted(std::string_view text);

// Changes to one text, all given by where they stand in it as it was.
class JsonEdits {
 public:
  explicit JsonEdits(std::string_view text) : text_(text) {}

  // REQUIRES: `part` is a view into the text; parts do not overlap.
  void replace(std::string_view part, std::string replacement);
  // Adds to the end of an object or list. REQUIRES: `whole` is one, from bracket to bracket.
  void append(std::string_view whole, std::string_view element);

  std::string apply() const;

 private:
  struct Edit {
    std::size_t removed = 0;
    std::string inserted;
  };
  std::size_t offset_of(std::string_view part) const;

  std::string_view text_;
  std::map<std::size_t, Edit> edits_;  // by offset
};

}  // namespace strop::agent
