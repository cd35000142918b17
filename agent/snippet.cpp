#include "agent/snippet.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <utility>

namespace strop::agent {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Placeholders nested deeper than this stand for themselves, as do transforms longer than this.
constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxTransform = 4096;
// Bytes that stops may bring by standing again: ${2:$1$1}${3:$2$2}… doubles without an end.
constexpr std::size_t kMaxRepeated = 1u << 20;

class Expander {
 public:
  explicit Expander(std::string_view snippet) : in_(snippet) {}

  std::string run() {
    // The first pass learns the placeholders' values; a tab stop may stand before its placeholder.
    static_cast<void>(sequence(0, false));
    at_ = repeated_ = 0;
    return sequence(0, false);
  }

 private:
  bool done() const { return at_ >= in_.size(); }
  char peek() const { return done() ? '\0' : in_[at_]; }
  bool take(char c) {
    if (peek() != c || done()) return false;
    ++at_;
    return true;
  }

  // Up to the end, or within a placeholder up to its closing brace, which stays.
  std::string sequence(int depth, bool nested) {
    std::string out;
    while (!done()) {
      if (nested && peek() == '}') return out;
      if (take('\\')) {
        if (peek() == '$' || peek() == '}' || peek() == '\\')
          out += in_[at_++];
        else
          out += '\\';
        continue;
      }
      if (peek() == '$') {
        const std::size_t start = at_;
        if (auto text = depth < kMaxDepth ? dollar(depth) : std::nullopt) {
          out += *text;
          continue;
        }
        at_ = start;
      }
      out += in_[at_++];
    }
    return out;
  }

  std::optional<std::string> dollar(int depth) {
    const std::size_t start = at_++;
    if (is_digit(peek())) return stop_value(number());
    if (take('{')) return braced(start, depth);
    if (is_name(peek())) {
      static_cast<void>(name());
      return "";
    }
    return std::nullopt;
  }

  std::optional<std::string> braced(std::size_t start, int depth) {
    if (is_digit(peek())) {
      const std::string stop = number();
      if (take('}')) return stop_value(stop);
      if (take(':')) return placeholder(stop, start, depth);
      if (take('|')) return choice(stop);
      if (take('/') && skip_transform()) return stop_value(stop);
      return std::nullopt;
    }
    if (!is_name(peek())) return std::nullopt;
    static_cast<void>(name());
    if (take('}')) return "";
    if (take(':')) {
      const std::string_view opening = in_.substr(start, at_ - start);
      std::string value = sequence(depth + 1, true);
      return take('}') ? value : std::string(opening) + value;
    } else if (take('/') && skip_transform()) {
      return "";
    }
    return std::nullopt;
  }

  // One that nothing closes is plain up to its colon. It is not read again: within others like it
  // that would take twice as long at each level.
  std::string placeholder(const std::string& stop, std::size_t start, int depth) {
    const std::string_view opening = in_.substr(start, at_ - start);
    std::string value = sequence(depth + 1, true);
    if (!take('}')) return std::string(opening) + value;
    values_.emplace(stop, value);
    return value;
  }

  // ${1|a,b\,c|}: the first choice.
  std::optional<std::string> choice(const std::string& stop) {
    std::string first;
    bool in_first = true;
    while (!done()) {
      if (take('\\')) {
        const char c = peek();
        if (c != ',' && c != '|' && c != '\\' && in_first) first += '\\';
        if (done()) break;
        if (in_first) first += c;
        ++at_;
      } else if (take('|')) {
        if (!take('}')) return std::nullopt;
        values_.emplace(stop, first);
        return first;
      } else {
        if (peek() == ',') in_first = false;
        if (in_first) first += peek();
        ++at_;
      }
    }
    return std::nullopt;
  }

  // Behind the first slash of /pattern/replacement/flags}: to behind the closing brace.
  bool skip_transform() {
    int slashes = 1;
    int depth = 0;
    const std::size_t limit = std::min(in_.size(), at_ + kMaxTransform);
    while (at_ < limit) {
      const char c = in_[at_++];
      if (c == '\\' && !done())
        ++at_;
      else if (c == '{')
        ++depth;
      else if (c == '}' && depth > 0)
        --depth;
      else if (c == '/' && depth == 0)
        ++slashes;
      else if (c == '}' && slashes >= 3)
        return true;
    }
    return false;
  }

  std::string number() {
    std::string out;
    while (is_digit(peek())) out += in_[at_++];
    return out;
  }
  std::string name() {
    std::string out;
    while (is_name(peek())) out += in_[at_++];
    return out;
  }
  std::string stop_value(const std::string& stop) {
    const auto found = values_.find(stop);
    if (found == values_.end() || found->second.size() > kMaxRepeated - repeated_) return "";
    repeated_ += found->second.size();
    return found->second;
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::size_t repeated_ = 0;
  std::map<std::string, std::string> values_;
};

}  // namespace

std::string expand_snippet(std::string_view snippet) {
  // Almost every item is plain.
  if (snippet.find_first_of("$\\") == std::string_view::npos) return std::string(snippet);
  return Expander(snippet).run();
}

}  // namespace strop::agent
