#include "trainer/tokenizer/oniguruma.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

#include "trainer/tokenizer/newer_code_points.h"

namespace strop::trainer {
namespace {

constexpr const char* kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
// Of the numbers that are no digits Oniguruma has these, and only outside of classes.
constexpr const char* kWordAlone = R"(\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";
constexpr const char* kHex = "0-9a-fA-F";

bool is_category(std::string_view name) {
  static constexpr std::array<std::string_view, 37> kNames{
      "L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc", "Me", "N",  "Nd", "Nl",
      "No", "P",  "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk",
      "So", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Cs", "Co", "Cn"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

class Translator {
 public:
  explicit Translator(const std::string& pattern) : in_(pattern) {}

  std::string run() {
    while (at_ < in_.size()) {
      const char c = in_[at_++];
      if (c == '\\')
        escape();
      else if (in_class_)
        class_member(c);
      else
        outside(c);
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw std::runtime_error("the pattern '" + in_ + "' has " + what +
                             ", which is not supported: write it otherwise");
  }

  void class_member(char c) {
    if (c == '[') refuse("a class within a class");
    if (c == '&' && in_.compare(at_, 1, "&") == 0) refuse("an intersection of classes (&&)");
    if (c == ']') in_class_ = false;
    out_ += c;
  }

  void outside(char c) {
    if (c == '(' && in_.compare(at_, 1, "?") == 0) group();
    if (c == '{' && in_.compare(at_, 1, ",") == 0) refuse("a repeat without a lower bound");
    out_ += c;
    if (c != '[') return;
    in_class_ = true;
    if (in_.compare(at_, 1, "^") == 0) out_ += in_[at_++];
    if (in_.compare(at_, 1, "]") == 0) out_ += in_[at_++];
  }

  // Options but for (?i:…), and (?i) in front, mean other things or reach otherwise far.
  void group() const {
    const std::string_view rest = std::string_view(in_).substr(at_ + 1);
    for (const char* known : {":", "=", "!", "<", ">", "i:", "-i:"})
      if (rest.starts_with(known)) return;
    if (rest.starts_with("i)") && at_ == 1) return;
    refuse("the group (?" + std::string(rest.substr(0, 3)));
  }

  void escape() {
    if (at_ == in_.size()) refuse("a backslash at its end");
    const char c = in_[at_++];
    switch (c) {
      case 's':
      case 'S':
        return add("\\p{White_Space}", c == 'S', "\\P{White_Space}");
      case 'w':
      case 'W':
        return add(kWord + newer_code_points("L") + newer_code_points("M") +
                       newer_code_points("Nd") + (in_class_ ? "" : kWordAlone),
                   c == 'W');
      case 'd':
      case 'D':
        return add("\\p{Nd}" + newer_code_points("Nd"), c == 'D');
      case 'h':
      case 'H':
        return add(kHex, c == 'H');
      case 'p':
      case 'P':
        return property(c == 'P');
      case 'v':
        out_ += "\\x0B";
        return;
      case 'u':
        if (in_.size() - at_ < 4) refuse("a \\u without four digits");
        out_ += "\\x{" + in_.substr(at_, 4) + "}";
        at_ += 4;
        return;
      case 'b':
        if (in_class_) break;
        [[fallthrough]];
      case 'B':
      case 'X':
      case 'y':
      case 'Y':
      case 'O':
      case 'Q':
      case 'E':
        refuse(std::string("\\") + c);
      default:
        break;
    }
    out_.append({'\\', c});
  }

  // `members` of a class; `opposite`: how a class spells that it has all others.
  void add(const std::string& members, bool negated, const std::string& opposite = "") {
    if (!in_class_)
      out_ += (negated ? "[^" : "[") + members + "]";
    else if (!negated)
      out_ += members;
    else if (!opposite.empty())
      out_ += opposite;
    else
      refuse("the opposite of a kind of characters within a class");
  }

  void property(bool negated) {
    std::string name;
    if (in_.compare(at_, 1, "{") == 0) {
      const std::size_t end = in_.find('}', at_);
      if (end == std::string::npos) refuse("a \\p{ without its }");
      name = in_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    }
    if (name.starts_with('^')) {
      negated = !negated;
      name.erase(0, 1);
    }
    if (name.empty()) refuse("a \\p without the name of a property");
    if (is_category(name)) return category(name, negated);
    const bool known = name == "White_Space" || name == "Any";
    const std::string spelled = (known ? "" : "sc:") + name + "}";
    add("\\p{" + spelled, negated, "\\P{" + spelled);
  }

  void category(const std::string& name, bool negated) {
    const std::string newer = newer_code_points(name);
    add("\\p{" + name + "}" + newer, negated, newer.empty() ? "\\P{" + name + "}" : "");
  }

  const std::string& in_;
  std::string out_;
  std::size_t at_ = 0;
  bool in_class_ = false;
};

}  // namespace

std::string to_pcre2(const std::string& pattern) { return Translator(pattern).run(); }

}  // namespace strop::trainer
