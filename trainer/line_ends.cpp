#include "trainer/line_ends.h"

#include <string>

#include "schema/blank.h"

namespace strop::trainer {
namespace {

// FNV-1a, with a separator that no text of one line holds.
std::uint64_t hash_of(std::string_view repo, std::string_view before, std::string_view line) {
  std::uint64_t hash = 14695981039346656037u;
  for (const std::string_view part : {repo, before, line}) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    hash = (hash ^ static_cast<unsigned char>('\n')) * 1099511628211u;
  }
  return hash;
}

std::string_view without_return(std::string_view line) {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

}  // namespace

void LineEnds::learn(const schema::PreferencePair& pair) {
  std::string_view rest = pair.prefix;
  std::string_view before;
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const std::string_view line = without_return(rest.substr(0, end));
    if (!schema::is_blank(line)) seen_.insert(hash_of(pair.repo, before, line));
    before = line;
    rest.remove_prefix(end + 1);
  }
}

bool LineEnds::known(const schema::PreferencePair& pair) const {
  const std::string text = pair.prefix + pair.chosen;
  const std::size_t begin = text.rfind('\n') + 1;  // 0 where there is none
  const std::string_view line = std::string_view(text).substr(begin);
  std::string_view before;
  if (begin > 0) {
    before = std::string_view(text).substr(0, begin - 1);
    before = without_return(before.substr(before.rfind('\n') + 1));
  }
  return !schema::is_blank(line) && seen_.contains(hash_of(pair.repo, before, line));
}

}  // namespace strop::trainer
