#include "agent/provider/related_files.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/provider/related_prompt.h"

namespace strop::agent {
namespace {

constexpr std::size_t kLinesBefore = 20;  // of the cursor: what is compared
constexpr std::size_t kLinesOfPart = 20;
constexpr std::size_t kMostOfPart = 1'500;
constexpr double kLeastLikeness = 0.05;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::vector<std::uint64_t> words_of(std::string_view text) {
  std::vector<std::uint64_t> words;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_word(text[end])) ++end;
    if (end - at > 1) words.push_back(std::hash<std::string_view>()(text.substr(at, end - at)));
    at = std::max(end, at + 1);
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

// Jaccard: words that both have, of those that either has.
double likeness(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::size_t both = 0;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    both += *x == *y ? 1 : 0;
    const bool step_x = *x <= *y;
    const bool step_y = *y <= *x;
    if (step_x) ++x;
    if (step_y) ++y;
  }
  const std::size_t either = a.size() + b.size() - both;
  return either == 0 ? 0 : static_cast<double>(both) / static_cast<double>(either);
}

std::string_view last_lines(std::string_view text, std::size_t lines) {
  std::size_t begin = text.size();
  while (begin > 0 && lines > 0) {
    begin = text.rfind('\n', begin - 1);
    if (begin == std::string_view::npos) return text;
    --lines;
  }
  return text.substr(begin);
}

// Whole lines; a line longer than a part is left out.
std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  std::size_t lines = 0;
  const auto end_part = [&](std::size_t end) {
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end;
    lines = 0;
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    if (lines == kLinesOfPart || end - begin > kMostOfPart) end_part(at);
    at = end;
    ++lines;
    if (end - begin > kMostOfPart) {
      begin = end;
      lines = 0;
    }
  }
  end_part(text.size());
  return parts;
}

InlineAsk asked_of(const std::string& uri, std::string text) {
  InlineAsk ask;
  ask.uri = uri;
  ask.prefix = std::move(text);
  return ask;
}

}  // namespace

const RelatedFiles::File* RelatedFiles::look_at(const OpenFile& open, const Permit& permit) {
  const auto found = files_.find(open.uri);
  if (found != files_.end() && found->second.as_read == open.text) return &found->second;
  InlineAsk whole = asked_of(open.uri, *open.text);
  if (!permit(whole)) return nullptr;
  File file{open.text, {}};
  for (const std::string_view part : parts_of(whole.prefix))
    file.parts.push_back({std::string(part), words_of(part)});
  return &(files_[open.uri] = std::move(file));
}

std::vector<RelatedText> RelatedFiles::choose(const InlineAsk& ask, const Permit& permit) {
  std::erase_if(files_, [&](const auto& one) {
    return std::none_of(ask.open_files.begin(), ask.open_files.end(),
                        [&](const OpenFile& open) { return open.uri == one.first; });
  });
  struct Found {
    const std::string* uri;
    const Part* part;
    double likeness;
  };
  std::vector<Found> all;
  const auto wanted = words_of(last_lines(ask.prefix, kLinesBefore));
  for (const OpenFile& open : ask.open_files) {
    const File* file = most_bytes_ == 0 ? nullptr : look_at(open, permit);
    if (file == nullptr) continue;
    for (const Part& part : file->parts)
      if (const double like = likeness(wanted, part.words); like >= kLeastLikeness)
        all.push_back({&open.uri, &part, like});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Found& a, const Found& b) { return a.likeness > b.likeness; });
  std::vector<RelatedText> chosen;
  std::size_t left = most_bytes_;
  for (const Found& found : all) {
    if (found.part->text.size() > left) continue;
    InlineAsk part = asked_of(*found.uri, found.part->text);
    if (!permit(part) || part.prefix.size() > left) continue;
    left -= part.prefix.size();
    chosen.push_back({file_name(*found.uri), std::move(part.prefix)});
  }
  std::reverse(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace strop::agent
