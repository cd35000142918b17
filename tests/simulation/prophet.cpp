#include "simulation/prophet.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <random>

namespace strop::simulation {
namespace {

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The target from `from` to the end of its line, or of a few lines.
std::string_view lines_from(std::string_view target, std::size_t from, int lines) {
  std::size_t end = from;
  for (int i = 0; i < lines && end != std::string_view::npos; ++i)
    end = target.find('\n', i == 0 ? end : end + 1);
  return target.substr(from, (end == std::string_view::npos ? target.size() : end) - from);
}

// `text` with its last word of three or more letters exchanged: a near miss.
std::string with_other_word(std::string text, std::mt19937_64& random) {
  static constexpr std::array<std::string_view, 6> kOthers{"value",  "result", "count",
                                                           "buffer", "index_", "handler"};
  std::size_t end = text.size();
  while (end > 0) {
    while (end > 0 && !word_character(text[end - 1])) --end;
    std::size_t begin = end;
    while (begin > 0 && word_character(text[begin - 1])) --begin;
    if (end - begin >= 3 && begin > 0) {
      const std::string_view other = kOthers[random() % kOthers.size()];
      if (text.compare(begin, end - begin, other) != 0)
        return text.replace(begin, end - begin, other);
    }
    end = begin;
  }
  return text + "_other";
}

}  // namespace

std::vector<Offer> Prophet::offers(std::string_view before, bool invoked) const {
  std::vector<Offer> out = plan(before);
  if (!invoked || out.empty() || out.front().replaces > 0) return out;
  std::mt19937_64 random(seed_ ^ before.size());
  const std::string right(lines_from(target_, before.size(), 1));
  for (std::string more : {with_other_word(out.front().text, random), right, right + ";",
                           with_other_word(right, random)}) {
    const bool known = std::any_of(out.begin(), out.end(),
                                   [&more](const Offer& offer) { return offer.text == more; });
    if (!known && !more.empty()) out.push_back({std::move(more), 0});
  }
  return out;
}

std::vector<Offer> Prophet::plan(std::string_view before) const {
  if (before.size() >= target_.size() ||
      std::string_view(target_).substr(0, before.size()) != before)
    return {};
  // One plan for each stretch of eight bytes of a line: the same text is offered again within it,
  // another after it.
  const std::size_t line =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const std::string_view rest = std::string_view(target_).substr(before.size());
  const std::size_t column = before.size() - line;
  std::mt19937_64 random(seed_ ^ (line * 0x9E3779B97F4A7C15ULL) ^
                         ((column / 24) * 0xC2B2AE3D27D4EB4FULL));
  const auto roll = random() % 100;
  const std::size_t plan_start = line + column / 24 * 24;
  const auto planned = [&](int lines) {
    // The plan's text from the plan's start; what is typed already is taken off its front.
    return std::string(lines_from(target_, plan_start, lines));
  };
  const auto remainder = [&](const std::string& plan) -> std::vector<Offer> {
    const std::size_t typed = before.size() - plan_start;
    if (plan.size() <= typed ||
        std::string_view(plan).substr(0, typed) != before.substr(plan_start))
      return {};
    std::string text = plan.substr(typed);
    if (text.find_first_not_of(" \t\n") == std::string::npos) return {};
    return {{std::move(text), 0}};
  };
  if (rest.front() == '\n' && roll < 70) return {};
  if (roll < 35) return remainder(planned(1));
  if (roll < 45) return remainder(planned(2 + static_cast<int>(random() % 2)));
  if (roll < 65) return remainder(with_other_word(planned(1), random));
  if (roll < 75) {  // two candidates, the right one second
    auto right = remainder(planned(1));
    if (right.empty()) return {};
    Offer wrong{with_other_word(right.front().text, random), 0};
    return {wrong, right.front()};
  }
  if (roll < 92) {  // something else altogether, from another place of the file
    std::size_t other = target_.find('\n', random() % target_.size());
    if (other == std::string::npos) other = 0;
    std::string text(lines_from(target_, other + 1, 1));
    text.erase(0, text.find_first_not_of(" \t"));
    if (text.size() < 4 || rest.substr(0, 1) == text.substr(0, 1)) return {};
    return {{std::move(text), 0}};
  }
  // A text that does not begin with what it replaces: no editor can show it as ghost text.
  std::size_t word = before.size();
  while (word > line && word_character(before[word - 1])) --word;
  if (word == before.size()) return {};
  return {{"(" + std::string(lines_from(target_, before.size(), 1)) + ")", before.size() - word}};
}

}  // namespace strop::simulation
