#include "simulation/source_files.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace strop::simulation {
namespace {

std::vector<std::size_t> line_starts(const std::string& text) {
  std::vector<std::size_t> out{0};
  for (std::size_t at = text.find('\n'); at != std::string::npos && at + 1 < text.size();
       at = text.find('\n', at + 1))
    out.push_back(at + 1);
  return out;
}

std::size_t line_end(const std::string& text, std::size_t from) {
  const std::size_t end = text.find('\n', from);
  return end == std::string::npos ? text.size() : end;
}

bool continuation_byte(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::string read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

std::string language_of(const std::string& path) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kEndings{
      {{".py", "python"},
       {".cpp", "cpp"},
       {".h", "cpp"},
       {".hpp", "cpp"},
       {".lua", "lua"},
       {".pm", "perl"},
       {".cmake", "cmake"},
       {".vim", "vim"},
       {".ts", "typescript"},
       {".js", "javascript"},
       {".sh", "shellscript"},
       {".el", "elisp"},
       {".c", "c"}}};
  for (const auto& [ending, language] : kEndings)
    if (path.ends_with(ending)) return std::string(language);
  return "plaintext";
}

std::vector<SourceFile> read_files(const std::string& root, const std::string& list) {
  std::istringstream lines(read_whole(list));
  std::vector<SourceFile> out;
  for (std::string path; std::getline(lines, path);)
    if (!path.empty()) out.push_back({path, language_of(path), read_whole(root + "/" + path)});
  return out;
}

std::vector<Task> stretches(const SourceFile& file, const std::string& root_uri, int count,
                            std::size_t characters, double keep_rest, std::mt19937_64& random) {
  std::vector<Task> out;
  const std::vector<std::size_t> starts = line_starts(file.text);
  if (starts.size() < 3) return out;
  // Each stretch begins in its own part of the file, in order, as a file grows.
  const std::size_t part = starts.size() / static_cast<std::size_t>(count);
  std::size_t written = 0;
  for (int i = 0; i < count; ++i) {
    const std::size_t line =
        part == 0 ? random() % starts.size() : static_cast<std::size_t>(i) * part + random() % part;
    const std::size_t begin = starts[line];
    if (begin < written) continue;
    std::size_t end = line_end(file.text, std::min(file.text.size(), begin + characters));
    if (end > begin && file.text[end - 1] == '\r') --end;
    if (end <= begin + 8) continue;
    const bool rest = std::uniform_real_distribution<>(0, 1)(random) < keep_rest;
    out.push_back({root_uri + "/" + file.path, file.language, file.text, begin, end, rest});
    written = end;
  }
  return out;
}

std::vector<nlohmann::json> positions(const SourceFile& file, int count, std::mt19937_64& random) {
  constexpr std::size_t kPrefix = 8 * 1024;
  constexpr std::size_t kTruth = 400;
  std::vector<nlohmann::json> out;
  const std::vector<std::size_t> starts = line_starts(file.text);
  for (int tries = 0; tries < count * 20 && static_cast<int>(out.size()) < count; ++tries) {
    const std::size_t begin = starts[random() % starts.size()];
    const std::size_t end = line_end(file.text, begin);
    const std::size_t code = file.text.find_first_not_of(" \t", begin);
    if (code >= end) continue;
    const bool at_start = random() % 10 < 6;
    std::size_t at =
        at_start ? code + random() % 4 : code + 4 + random() % std::max<std::size_t>(1, end - code);
    if (at >= end) continue;
    while (at > begin && continuation_byte(file.text[at])) --at;
    std::size_t from = at > kPrefix ? file.text.find('\n', at - kPrefix) + 1 : 0;
    if (from > at) from = at;
    std::size_t truth_end = std::min(file.text.size(), at + kTruth);
    while (truth_end < file.text.size() && continuation_byte(file.text[truth_end])) --truth_end;
    out.push_back({{"file", file.path},
                   {"language", file.language},
                   {"prefix", file.text.substr(from, at - from)},
                   {"suffix", ""},
                   {"truth", file.text.substr(at, truth_end - at)},
                   {"stratum", at_start ? "line_start" : "mid_line"}});
  }
  return out;
}

}  // namespace strop::simulation
