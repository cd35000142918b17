#include "agent/line_diff.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace strop::agent {
namespace {

constexpr int kMostDifferent = 96;  // lines out and in, together
constexpr std::size_t kMaxBytes = 8u << 20;
constexpr std::ptrdiff_t kMaxLines = 50'000;

using Lines = std::vector<std::string_view>;  // each with its break

Lines lines_of(std::string_view text) {
  Lines out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

struct Marks {
  std::vector<bool> removed;
  std::vector<bool> added;
};

// Myers' greedy search: `reach` has, by diagonal, how far into `a` so many differences get.
std::optional<Marks> different(const Lines& a, const Lines& b) {
  const int n = static_cast<int>(a.size());
  const int m = static_cast<int>(b.size());
  const int middle = kMostDifferent + 1;
  std::vector<int> reach(2 * static_cast<std::size_t>(middle) + 1, 0);
  const auto at = [middle](std::vector<int>& values, int diagonal) -> int& {
    return values[static_cast<std::size_t>(middle + diagonal)];
  };
  const auto goes_down = [&at](std::vector<int>& values, int k, int d) {
    return k == -d || (k != d && at(values, k - 1) < at(values, k + 1));
  };
  std::vector<std::vector<int>> trace;
  int found = -1;
  for (int d = 0; d <= kMostDifferent && found < 0; ++d) {
    trace.push_back(reach);
    for (int k = -d; k <= d && found < 0; k += 2) {
      int x = d == 0 ? 0 : goes_down(reach, k, d) ? at(reach, k + 1) : at(reach, k - 1) + 1;
      while (x < n && x - k < m &&
             a[static_cast<std::size_t>(x)] == b[static_cast<std::size_t>(x - k)])
        ++x;
      at(reach, k) = x;
      if (x >= n && x - k >= m) found = d;
    }
  }
  if (found < 0) return std::nullopt;
  Marks marks{std::vector<bool>(a.size()), std::vector<bool>(b.size())};
  int x = n;
  int y = m;
  for (int d = found; d > 0; --d) {
    std::vector<int>& before = trace[static_cast<std::size_t>(d)];
    const int k = x - y;
    const bool down = goes_down(before, k, d);
    x = at(before, down ? k + 1 : k - 1);
    y = x - (down ? k + 1 : k - 1);
    if (down)
      marks.added[static_cast<std::size_t>(y)] = true;
    else
      marks.removed[static_cast<std::size_t>(x)] = true;
  }
  return marks;
}

}  // namespace

std::vector<Edit> line_edits(const Edit& edit) {
  const auto lines = [](std::string_view text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  if (edit.old_text.size() + edit.new_text.size() > kMaxBytes) return {edit};
  const std::ptrdiff_t out_lines = lines(edit.old_text);
  const std::ptrdiff_t in_lines = lines(edit.new_text);
  if (out_lines < 3 || in_lines < 3 || out_lines + in_lines > kMaxLines) return {edit};
  const Lines a = lines_of(edit.old_text);
  const Lines b = lines_of(edit.new_text);
  const auto marks = different(a, b);
  if (!marks) return {edit};
  std::vector<Edit> out;
  std::size_t start = edit.start;
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    Edit one{start, "", ""};
    while ((i < a.size() && marks->removed[i]) || (j < b.size() && marks->added[j])) {
      if (i < a.size() && marks->removed[i])
        one.old_text += a[i++];
      else
        one.new_text += b[j++];
    }
    start += one.new_text.size();
    if (!one.old_text.empty() || !one.new_text.empty()) out.push_back(std::move(one));
    if (j < b.size()) start += b[j].size();
    ++i;
    ++j;
  }
  return out;
}

}  // namespace strop::agent
