#include "simulation/prophet_edits.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <random>

namespace strop::simulation {
namespace {

constexpr std::size_t kApart = 3;  // lines
constexpr std::size_t kShortest = 4;

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::vector<Rewrite> lines_of(std::string_view text) {  // text left out
  std::vector<Rewrite> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out.push_back({at, end, ""});
    at = end + 1;
  }
  return out;
}

// The first word of a line that is long enough; empty: there is none.
Rewrite word_in(std::string_view text, const Rewrite& line) {
  for (std::size_t at = line.begin; at < line.end;) {
    std::size_t end = at;
    while (end < line.end && word_character(text[end])) ++end;
    if (end - at >= kShortest) return {at, end, ""};
    at = end + 1;
  }
  return {line.end, line.end, ""};
}

}  // namespace

std::vector<Rewrite> rewrites_of(std::string_view document, std::size_t count, std::uint64_t seed) {
  static constexpr std::array<std::string_view, 5> kWords{
      "renamed_by_agent", "agreed", "outcome_of", "Übersicht", "quite_another(name)"};
  std::mt19937_64 random(seed);
  const std::vector<Rewrite> lines = lines_of(document);
  std::vector<Rewrite> out;
  if (lines.size() < 3) return out;
  const std::size_t stride = std::max<std::size_t>(kApart, lines.size() / (count + 1));
  for (std::size_t line = random() % std::min<std::size_t>(lines.size(), stride);
       line < lines.size() && out.size() < count; line += stride) {
    Rewrite one = word_in(document, lines[line]);
    const auto roll = random() % 10;
    if (roll < 2 || one.begin == one.end) {
      one = {lines[line].begin, lines[line].begin,
             "a line of the agent's, number " + std::to_string(random() % 1000) + "\n"};
    } else {
      one.text = kWords[random() % kWords.size()];
      if (document.substr(one.begin, one.end - one.begin) == one.text) one.text += "_2";
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<Rewrite> formatting_of(std::string_view document) {
  std::vector<Rewrite> out;
  for (const Rewrite& line : lines_of(document)) {
    std::size_t end = line.end;
    while (end > line.begin && (document[end - 1] == ' ' || document[end - 1] == '\t')) --end;
    if (end > line.begin && (document[line.begin] == ' ' || document[line.begin] == '\t'))
      out.push_back({line.begin, line.begin, " "});
    if (end < line.end) out.push_back({end, line.end, ""});
  }
  return out;
}

}  // namespace strop::simulation
