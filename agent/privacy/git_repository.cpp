#include "agent/privacy/git_repository.h"

#include <fstream>
#include <string_view>

namespace strop::agent {
namespace {

namespace fs = std::filesystem;

constexpr int kMostIncludes = 5;  // one within another
constexpr int kMostConfigs = 64;  // for one repository
constexpr int kMostLines = 10'000;

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  while (line.ends_with('\r') || line.ends_with(' ')) line.pop_back();
  return line;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The value of a line as it is meant: without quotes and comment, marks taken back.
std::string value_of(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && (text[i] == '#' || text[i] == ';')) {
      break;
    } else {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      out += text[i];
    }
  }
  return std::string(trimmed(out));
}

class ExcludesFiles {
 public:
  explicit ExcludesFiles(fs::path home) : home_(std::move(home)) {}

  // `below`: what a relative path of core.excludesFile starts at.
  void read(const fs::path& config, const fs::path& below, int depth = 0) {
    if (depth > kMostIncludes || ++configs_ > kMostConfigs) return;
    std::error_code ignored;
    if (!fs::is_regular_file(config, ignored)) return;
    std::ifstream in(config);
    std::string section;
    std::string line;
    for (int count = 0; count < kMostLines && std::getline(in, line); ++count) {
      std::string_view text = trimmed(line);
      if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        section = lower_case(text.substr(1, text.find_first_of(" ]") - 1));
        text = end == std::string_view::npos ? "" : trimmed(text.substr(end + 1));
      }
      const std::size_t equals = text.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string name = lower_case(trimmed(text.substr(0, equals)));
      const std::string value = value_of(text.substr(equals + 1));
      if (value.empty()) continue;
      if (section == "core" && name == "excludesfile") files_.push_back(resolved(value, below));
      // Whatever the condition of an includeIf: more is left alone then, never less.
      else if ((section == "include" || section == "includeif") && name == "path")
        read(resolved(value, config.parent_path()), below, depth + 1);
    }
  }

  std::vector<fs::path> take() { return std::move(files_); }

 private:
  fs::path resolved(const std::string& value, const fs::path& below) const {
    if (value.starts_with("~/")) return home_ / value.substr(2);
    return (below / value).lexically_normal();
  }

  const fs::path home_;
  int configs_ = 0;
  std::vector<fs::path> files_;
};

}  // namespace

std::optional<GitRepository> GitRepository::above(const fs::path& file) {
  std::error_code ignored;
  for (fs::path folder = file.parent_path();; folder = folder.parent_path()) {
    const fs::path git = folder / ".git";
    const fs::file_status status = fs::status(git, ignored);
    if (fs::is_regular_file(status)) {
      // A worktree or a submodule: the file says where the rest lies.
      constexpr std::string_view kWhere = "gitdir: ";
      const std::string line = first_line(git);
      GitRepository out{folder, git, git};
      if (line.starts_with(kWhere)) {
        out.git = (folder / line.substr(kWhere.size())).lexically_normal();
        const std::string common = first_line(out.git / "commondir");
        out.common = common.empty() ? out.git : (out.git / common).lexically_normal();
      }
      return out;
    }
    if (fs::exists(status)) return GitRepository{folder, git, git};
    if (folder == folder.root_path()) return std::nullopt;
  }
}

std::string GitRepository::commit() const {
  constexpr std::string_view kReference = "ref: ";
  std::string head = first_line(git / "HEAD");
  if (head.starts_with(kReference)) {
    const std::string name = head.substr(kReference.size());
    head = first_line(git / name);
    if (head.empty()) head = first_line(common / name);
    std::ifstream packed(common / "packed-refs");
    for (std::string line; head.empty() && std::getline(packed, line);)
      if (line.ends_with(" " + name)) head = line.substr(0, line.find(' '));
  }
  const bool is_hash =
      head.size() >= 40 && head.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_hash ? head : "";
}

std::vector<fs::path> git_excludes_files(const UserPlaces& user,
                                         const std::optional<GitRepository>& repository) {
  const fs::path below = repository ? repository->folder : user.home;
  ExcludesFiles files(user.home);
  files.read("/etc/gitconfig", below);
  files.read(user.git / "config", below);
  files.read(user.home / ".gitconfig", below);
  if (repository) {
    files.read(repository->common / "config", below);
    files.read(repository->git / "config.worktree", below);
  }
  return files.take();
}

}  // namespace strop::agent
