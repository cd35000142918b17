#include "trainer/tokenizer/oniguruma.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>
#include <vector>

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

bool is_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Of a character in UTF-8.
bool is_first_byte(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

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
    if (c == '{' && repeat()) return;
    note_atom(c);
    out_ += c;
    if (c != '[') return;
    in_class_ = true;
    if (in_.compare(at_, 1, "^") == 0) out_ += in_[at_++];
    if (in_.compare(at_, 1, "]") == 0) out_ += in_[at_++];
  }

  // Where what a repeat would repeat begins: a group with its parenthesis, a character with the
  // first of its bytes.
  void note_atom(char c) {
    if (c == '(') groups_.push_back(out_.size());
    if (c == ')' && !groups_.empty()) {
      atom_ = groups_.back();
      groups_.pop_back();
    } else if (std::string_view("*+?").find(c) == std::string_view::npos && is_first_byte(c)) {
      atom_ = out_.size();
    }
  }

  // Oniguruma takes a{1,3}+ for (?:a{1,3})+, and a{2}? for (?:a{2})?; to PCRE2 the one is
  // possessive and the other lazy. False: it is no repeat.
  bool repeat() {
    const std::size_t end = std::min(in_.find('}', at_), in_.size());
    const std::string bounds = in_.substr(at_, end - at_);
    const std::size_t comma = std::min(bounds.find(','), bounds.size());
    const bool whole = end < in_.size() && comma > 0 && is_digits(bounds.substr(0, comma)) &&
                       is_digits(bounds.substr(std::min(comma + 1, bounds.size())));
    if (!whole) return false;
    at_ = end + 1;
    out_ += "{" + bounds + "}";
    const bool exact = comma == bounds.size();
    if (in_.compare(at_, 1, "+") != 0 && !(exact && in_.compare(at_, 1, "?") == 0)) return true;
    out_.insert(atom_, "(?:");
    out_ += ")";
    return true;
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
    if (!in_class_) atom_ = out_.size();
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
    out_ += rest_of_escape(c);
  }

  // What belongs to an escape that both spell alike: digits, a name, a control character.
  std::string rest_of_escape(char c) {
    std::size_t end = at_;
    const auto take = [&](std::size_t most, const char* of) {
      end = std::min({in_.find_first_not_of(of, at_), at_ + most, in_.size()});
    };
    const std::string_view rest = std::string_view(in_).substr(at_);
    if (c == 'x' && rest.starts_with('{'))
      end = std::min(in_.find('}', at_), in_.size() - 1) + 1;
    else if (c == 'x')
      take(2, "0123456789abcdefABCDEF");
    else if (c >= '0' && c <= '9')
      take(2, "0123456789");
    else if ((c == 'k' || c == 'g') && rest.starts_with('<'))
      end = std::min(in_.find('>', at_), in_.size() - 1) + 1;
    else if (c == 'c')
      end = std::min(at_ + 1, in_.size());
    const std::string out = in_.substr(at_, end - at_);
    at_ = end;
    return out;
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
  std::size_t atom_ = 0;             // where in out_ what was read last begins
  std::vector<std::size_t> groups_;  // where those that are open do
};

}  // namespace

std::string to_pcre2(const std::string& pattern) { return Translator(pattern).run(); }

}  // namespace strop::trainer
