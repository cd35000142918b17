#include "agent/privacy/file_judge.h"

#include <array>
#include <fstream>
#include <sstream>

namespace strop::agent {
namespace {

namespace fs = std::filesystem;

constexpr double kCacheMs = 2'000;
constexpr std::size_t kMaxCached = 2'048;
constexpr std::size_t kMaxIgnoreBytes = 1 << 20;
constexpr std::array<const char*, 4> kIgnoreFiles{".gitignore", ".stropignore", ".copilotignore",
                                                  ".cursorignore"};

// Files that hold secrets by what they are for; never captured, even when they are open.
const IgnoreRules& never_captured() {
  static const IgnoreRules kRules(
      "*.env\n.env*\n.env\n.env.*\n.envrc\n*.pem\n*.key\n*.p12\n*.pfx\n*.jks\n*.keystore\n*."
      "kdbx\nid_*\n!id_*.*\nid_rsa*"
      "\n"
      "id_dsa*\nid_ecdsa*\nid_ed25519*\n*.tfvars.*\n*.tfvars\n*.tfstate\n.npmrc\n.pypirc\n.netrc\n_"
      "netrc\n"
      ".pgpass\n.my.cnf\n.htpasswd\n.git-credentials\n.dockercfg\n.docker/config.json\n.aws/\n.ssh/"
      "\n"
      ".gnupg/\n.azure/\n.kube/\nkubeconfig*\n*.kubeconfig\nsecrets.y*ml\ncredentials.json\n"
      ".git/\n/etc/shadow\n/etc/sudoers\n");
  return kRules;
}

bool is_below(const fs::path& path, const fs::path& folder) {
  const auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end() || (std::next(end) == folder.end() && end->empty());
}

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<fs::path> path_of_uri(std::string_view uri) {
  constexpr std::string_view kScheme = "file://";
  if (!uri.starts_with(kScheme)) return std::nullopt;
  uri.remove_prefix(kScheme.size());
  if (uri.starts_with("localhost/")) uri.remove_prefix(9);
  std::string path;
  for (std::size_t i = 0; i < uri.size(); ++i) {
    if (uri[i] != '%') {
      path += uri[i];
      continue;
    }
    if (i + 2 >= uri.size()) return std::nullopt;
    const int high = hex_digit(uri[i + 1]);
    const int low = hex_digit(uri[i + 2]);
    if (high < 0 || low < 0 || high * 16 + low == 0) return std::nullopt;
    path += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!path.starts_with('/')) return std::nullopt;
  return fs::path(path).lexically_normal();
}

FileJudge::FileJudge(const std::vector<std::string>& exclude, UserPlaces user,
                     const fs::path& state, std::function<double()> now_ms)
    : exclude_([&exclude] {
        std::string text;
        for (const std::string& pattern : exclude) text += pattern + "\n";
        return IgnoreRules(text);
      }()),
      user_(std::move(user)),
      now_ms_(std::move(now_ms)),
      never_(state) {}

JudgedFile FileJudge::judge(const fs::path& path) {
  JudgedFile out;
  out.real = fs::weakly_canonical(path);
  never_.look();
  const auto repository = GitRepository::above(out.real);
  if (repository) out.repository = repository->folder;
  out.exclusion = exclusion_of(out.real, repository);
  if (!out.exclusion && path != out.real)
    out.exclusion = exclusion_of(path, GitRepository::above(path));
  return out;
}

std::optional<std::string> FileJudge::exclusion_of(const fs::path& path,
                                                   const std::optional<GitRepository>& repository) {
  if (auto never = never_.holds(path)) return never;
  // As the patterns of these see it, the whole path below the root of all files.
  const std::string whole = path.relative_path().generic_string();
  if (const auto pattern = never_captured().ignores(lower_case(whole)))
    return "default:" + *pattern;
  // The configuration's patterns stand in no folder: they hold below any.
  for (std::size_t from = 0; from != std::string::npos;) {
    if (const auto pattern = exclude_.ignores(std::string_view(whole).substr(from)))
      return "configuration:" + *pattern;
    const std::size_t slash = whole.find('/', from);
    from = slash == std::string::npos ? slash : slash + 1;
  }

  const fs::path top = repository ? repository->folder
                                  : (is_below(path, user_.home) ? user_.home : path.root_path());
  if (auto found = exclusion_by_git(path, repository, top)) return found;
  for (const char* name : kIgnoreFiles) {
    // Within one kind, as in git, the file nearest to the path that says anything decides over it;
    // a folder that is ignored further up cannot be entered again. Git's own file ends with its
    // repository; the others are no part of one, and hold in what is nested in it too.
    const bool of_git = std::string_view(name) == ".gitignore";
    std::vector<fs::path> folders;
    for (fs::path folder = path.parent_path();; folder = folder.parent_path()) {
      folders.push_back(folder);
      if ((of_git && folder == top) || folder == folder.root_path()) break;
    }
    bool taken_back = false;
    for (const fs::path& folder : folders) {
      const Cached& cached = rules_in(folder / name);
      if (cached.unreadable) return std::string(name) + ":unreadable";
      const std::string relative = path.lexically_relative(folder).generic_string();
      const auto own = cached.rules.match(relative, false);
      if (const auto pattern = cached.rules.ignores_folder_of(relative))
        return std::string(name) + ":" + *pattern;
      if (own && own->ignored && !taken_back) return std::string(name) + ":" + own->pattern;
      if (own && !own->ignored) taken_back = true;
    }
  }
  return std::nullopt;
}

// What git leaves alone by lists that stand in no folder of the files.
std::optional<std::string> FileJudge::exclusion_by_git(
    const fs::path& path, const std::optional<GitRepository>& repository, const fs::path& top) {
  const auto within = [&](const fs::path& file,
                          const std::string& name) -> std::optional<std::string> {
    const Cached& cached = rules_in(file);
    if (cached.unreadable) return name + ":unreadable";
    const auto pattern = cached.rules.ignores(path.lexically_relative(top).generic_string());
    return pattern ? std::optional(name + ":" + *pattern) : std::nullopt;
  };
  if (auto found = within(user_.git / "ignore", "git's own ignore file")) return found;
  for (const fs::path& file : excludes_files(repository))
    if (auto found = within(file, "core.excludesFile")) return found;
  if (!repository) return std::nullopt;
  return within(repository->common / "info/exclude", ".git/info/exclude");
}

const std::vector<fs::path>& FileJudge::excludes_files(
    const std::optional<GitRepository>& repository) {
  const double now = now_ms_();
  const fs::path key = repository ? repository->git : fs::path();
  const auto found = excludes_.find(key);
  if (found != excludes_.end() && now - found->second.read_ms < kCacheMs)
    return found->second.files;
  if (excludes_.size() >= kMaxCached) excludes_.clear();
  return (excludes_[key] = {git_excludes_files(user_, repository), now}).files;
}

const FileJudge::Cached& FileJudge::rules_in(const fs::path& file) {
  const double now = now_ms_();
  if (const auto found = cache_.find(file);
      found != cache_.end() && now - found->second.read_ms < kCacheMs)
    return found->second;
  if (cache_.size() >= kMaxCached) cache_.clear();
  Cached cached;
  cached.read_ms = now;
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (fs::is_regular_file(status)) {
    std::ifstream in(file, std::ios::binary);
    std::string text(kMaxIgnoreBytes + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    cached.unreadable = !in.is_open() || in.bad() || text.size() > kMaxIgnoreBytes;
    cached.rules = IgnoreRules(text);
  } else {
    // There, but no file that can be read: a loop of links, a folder that lets nobody look.
    cached.unreadable = status.type() != fs::file_type::not_found && !fs::is_directory(status);
  }
  return cache_[file] = std::move(cached);
}

}  // namespace strop::agent
