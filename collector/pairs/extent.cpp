#include "collector/pairs/extent.h"

#include <algorithm>
#include <string_view>

#include "collector/pairs/distance.h"
#include "schema/secrets.h"

namespace strop::collector {
namespace {

// So much around a text decides whether it holds part of a secret.
constexpr std::size_t kSecretContext = 256;

std::size_t line_breaks(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// As many line breaks as `breaks`; what follows them up to the next one.
void cut_lines(std::string& text, std::size_t breaks) {
  std::size_t end = text.find('\n');
  while (breaks-- > 0 && end != std::string::npos) end = text.find('\n', end + 1);
  if (end == std::string::npos) return;
  text.erase(end > 0 && text[end - 1] == '\r' ? end - 1 : end);
}

// Half as long again is still the same kind of thing.
bool far_longer(std::size_t longer, std::size_t shorter) {
  return longer > shorter + shorter / 2 + 8;
}

void cut_length(std::string& text, std::size_t like) {
  if (!far_longer(text.size(), like)) return;
  for (const std::string_view lexeme : lexemes(text)) {
    const auto end = static_cast<std::size_t>(lexeme.data() + lexeme.size() - text.data());
    if (end < like) continue;
    text.erase(end);
    return;
  }
}

bool goes_on_in_line(std::string_view suffix) {
  const std::string_view line = suffix.substr(0, suffix.find('\n'));
  return line.find_first_not_of(" \t\r") != std::string_view::npos;
}

}  // namespace

std::optional<Replaced> find_replaced(const std::string& replaces, const std::string& prefix,
                                      const std::string& suffix) {
  const std::string_view all(replaces);
  for (std::size_t before = all.size() + 1; before-- > 0;)
    if (prefix.ends_with(all.substr(0, before)) && suffix.starts_with(all.substr(before)))
      return Replaced{std::string(all.substr(0, before)), std::string(all.substr(before))};
  return std::nullopt;
}

std::optional<Sides> place(Sides sides, const Replaced& replaced, bool behind_stays) {
  if (!replaced.behind.empty()) {
    if (!behind_stays)
      sides.suffix.erase(0, replaced.behind.size());
    else if (sides.rejected.ends_with(replaced.behind))
      sides.rejected.erase(sides.rejected.size() - replaced.behind.size());
    else
      return std::nullopt;
  }
  const std::size_t before = replaced.before.size();
  if (sides.chosen.starts_with(replaced.before) && sides.rejected.starts_with(replaced.before)) {
    sides.chosen.erase(0, before);
    sides.rejected.erase(0, before);
  } else {
    sides.prefix.erase(sides.prefix.size() - before);
  }
  return sides;
}

Sides cut_alike(Sides sides) {
  const std::size_t breaks = std::min(line_breaks(sides.chosen), line_breaks(sides.rejected));
  cut_lines(sides.chosen, breaks);
  cut_lines(sides.rejected, breaks);
  if (goes_on_in_line(sides.suffix)) return sides;
  const std::size_t chosen = sides.chosen.size();
  cut_length(sides.chosen, sides.rejected.size());
  cut_length(sides.rejected, chosen);
  return sides;
}

bool differ_by_length_alone(const Sides& sides) {
  const auto chosen = lexemes(sides.chosen);
  const auto rejected = lexemes(sides.rejected);
  return std::equal(
      chosen.begin(),
      chosen.begin() + static_cast<std::ptrdiff_t>(std::min(chosen.size(), rejected.size())),
      rejected.begin());
}

bool holds_secret(const Sides& sides, const std::string& text) {
  if (text.find(schema::kRedactedMark) != std::string::npos) return true;
  const std::string before =
      sides.prefix.substr(sides.prefix.size() - std::min(sides.prefix.size(), kSecretContext));
  const std::string whole = before + text + sides.suffix.substr(0, kSecretContext);
  const auto hits = schema::scan_secrets(whole);
  return std::any_of(hits.begin(), hits.end(), [&](const schema::SecretHit& hit) {
    return hit.begin < before.size() + text.size() && hit.end > before.size();
  });
}

}  // namespace strop::collector
