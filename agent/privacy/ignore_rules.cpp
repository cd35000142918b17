#include "agent/privacy/ignore_rules.h"

namespace strop::agent {
namespace {

// A pattern like a*a*a*a*b is tried in many ways; this many steps are enough for any honest one.
constexpr int kMaxSteps = 20'000;

class Matcher {
 public:
  explicit Matcher(bool doubt) : doubt_(doubt) {}

  bool matches(std::string_view glob, std::string_view text) {
    if (++steps_ > kMaxSteps) return doubt_;
    while (!glob.empty()) {
      if (glob.starts_with("**")) return crosses(glob.substr(2), text);
      if (glob.front() == '*') return within(glob.substr(1), text);
      if (text.empty()) return false;
      if (glob.front() == '[' && text.front() != '/') {
        const auto fits = in_class(glob, text.front());
        if (!fits) return false;
      } else if (glob.front() == '?') {
        if (text.front() == '/') return false;
        glob.remove_prefix(1);
      } else {
        if (glob.front() == '\\' && glob.size() > 1) glob.remove_prefix(1);
        if (glob.front() != text.front()) return false;
        glob.remove_prefix(1);
      }
      text.remove_prefix(1);
    }
    return text.empty();
  }

 private:
  bool within(std::string_view glob, std::string_view text) {
    for (std::size_t i = 0;; ++i) {
      if (matches(glob, text.substr(i))) return true;
      if (i >= text.size() || text[i] == '/') return false;
    }
  }

  // Behind `**`: "/x" fits below any number of folders, none included.
  bool crosses(std::string_view glob, std::string_view text) {
    if (glob.starts_with('/')) {
      if (matches(glob.substr(1), text)) return true;
      for (std::size_t slash = text.find('/'); slash != std::string_view::npos;
           slash = text.find('/', slash + 1))
        if (matches(glob.substr(1), text.substr(slash + 1))) return true;
      return false;
    }
    for (std::size_t i = 0; i <= text.size(); ++i)
      if (matches(glob, text.substr(i))) return true;
    return false;
  }

  // Takes the class off `glob`.
  static bool in_class(std::string_view& glob, char c) {
    std::size_t at = 1;
    const bool negated = at < glob.size() && (glob[at] == '!' || glob[at] == '^');
    if (negated) ++at;
    bool found = false;
    for (bool first = true; at < glob.size() && (first || glob[at] != ']'); first = false) {
      if (glob[at] == '\\' && at + 1 < glob.size()) ++at;
      const char low = glob[at];
      char high = low;
      if (at + 2 < glob.size() && glob[at + 1] == '-' && glob[at + 2] != ']') {
        high = glob[at + 2];
        at += 2;
      }
      found = found || (low <= c && c <= high);
      ++at;
    }
    if (at >= glob.size()) return false;  // no end: fits nothing
    glob.remove_prefix(at + 1);
    return found != negated;
  }

  const bool doubt_;
  int steps_ = 0;
};

std::string_view trimmed_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) {
    if (line.size() > 1 && line.back() == ' ' && line[line.size() - 2] == '\\') break;
    line.remove_suffix(1);
  }
  return line;
}

}  // namespace

bool glob_matches(std::string_view glob, std::string_view text, bool doubt) {
  return Matcher(doubt).matches(glob, text);
}

IgnoreRules::IgnoreRules(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trimmed_end(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
    if (line.empty() || line.front() == '#') continue;
    Pattern pattern;
    pattern.text = std::string(line);
    if (line.front() == '!') {
      pattern.negated = true;
      line.remove_prefix(1);
    }
    if (line.ends_with('/')) {
      pattern.folders_only = true;
      line.remove_suffix(1);
    }
    pattern.anchored = line.find('/') != std::string_view::npos;
    if (line.starts_with('/')) line.remove_prefix(1);
    if (line.empty()) continue;
    pattern.glob = std::string(line);
    patterns_.push_back(std::move(pattern));
  }
}

std::optional<IgnoreRules::Verdict> IgnoreRules::match(std::string_view path,
                                                       bool is_folder) const {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (auto pattern = patterns_.rbegin(); pattern != patterns_.rend(); ++pattern) {
    if (pattern->folders_only && !is_folder) continue;
    // In doubt the file is left alone: an exclusion fits, a taking back does not.
    if (glob_matches(pattern->glob, pattern->anchored ? path : name, !pattern->negated))
      return Verdict{!pattern->negated, pattern->text};
  }
  return std::nullopt;
}

std::optional<std::string> IgnoreRules::ignores_folder_of(std::string_view path) const {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1))
    if (const auto verdict = match(path.substr(0, slash), true); verdict && verdict->ignored)
      return verdict->pattern;
  return std::nullopt;
}

std::optional<std::string> IgnoreRules::ignores(std::string_view path) const {
  if (const auto pattern = ignores_folder_of(path)) return pattern;
  if (const auto verdict = match(path, false); verdict && verdict->ignored) return verdict->pattern;
  return std::nullopt;
}

}  // namespace strop::agent
