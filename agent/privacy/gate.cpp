#include "agent/privacy/gate.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "agent/file_descriptor.h"
#include "agent/inspector.h"
#include "agent/privacy/file_judge.h"
#include "schema/secrets.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Key = std::array<unsigned char, crypto_auth_hmacsha256_KEYBYTES>;

constexpr const char* kKeyFile = "pseudonym.key";
constexpr double kCacheMs = 1'000;
constexpr std::size_t kMaxCached = 4'096;

double steady_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::optional<Key> read_key(const fs::path& file) {
  const FileDescriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  Key key{};
  if (!in.is_open() || ::read(in.get(), key.data(), key.size()) != static_cast<ssize_t>(key.size()))
    return std::nullopt;
  return key;
}

// The key by which names become pseudonyms; made at first use, never leaves this machine.
Key key_in(const fs::path& state) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not work here");
  fs::create_directories(state);
  const fs::path file = state / kKeyFile;
  if (const auto key = read_key(file)) return *key;
  Key fresh{};
  crypto_auth_hmacsha256_keygen(fresh.data());
  // Written beside and linked into place: of two agents that start at once, one key stands.
  const fs::path own = state / (std::string(kKeyFile) + "." + std::to_string(::getpid()));
  {
    const FileDescriptor out(::open(own.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!out.is_open() ||
        ::write(out.get(), fresh.data(), fresh.size()) != static_cast<ssize_t>(fresh.size()) ||
        ::fsync(out.get()) != 0)
      throw std::runtime_error("cannot write " + own.string());
  }
  static_cast<void>(::link(own.c_str(), file.c_str()));
  ::unlink(own.c_str());
  if (const auto key = read_key(file)) return *key;
  throw std::runtime_error("cannot read " + file.string());
}

std::string pseudonym(const Key& key, std::string_view text) {
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> digest{};
  crypto_auth_hmacsha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()),
                         text.size(), key.data());
  constexpr std::size_t kBytes = 16;
  std::array<char, 2 * kBytes + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), kBytes);
  return hex.data();
}

// Every text of the record but those whose words are ours.
void scrub(json& value) {
  if (value.is_string())
    value = schema::scrub_secrets(value.get_ref<const std::string&>());
  else if (value.is_structured())
    for (json& part : value) scrub(part);
}

bool is_below(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

// The commit that the repository stands at, read without running git; empty if that is not plain.
std::string commit_of(const fs::path& repository) {
  const auto first_line = [](const fs::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
  };
  const fs::path git = repository / ".git";
  std::string head = first_line(git / "HEAD");
  if (head.starts_with("ref: ")) {
    const std::string name = head.substr(5);
    head = first_line(git / name);
    std::ifstream packed(git / "packed-refs");
    for (std::string line; head.empty() && std::getline(packed, line);)
      if (line.ends_with(" " + name)) head = line.substr(0, line.find(' '));
  }
  const bool is_hash =
      head.size() >= 40 && head.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_hash ? head : "";
}

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

// The event with counts and lengths in place of every text that a person wrote or was offered.
schema::Event counts_alone(schema::Event event, const Key& key) {
  event.uri = "strop:" + pseudonym(key, event.uri);
  event.repo.reset();
  event.commit.reset();
  event.path.reset();
  if (auto* offered = std::get_if<schema::Offered>(&event.body)) {
    offered->position = {};
    for (schema::Candidate& candidate : offered->candidates) {
      candidate.text.clear();
      candidate.replaces.clear();
    }
    offered->prefix.clear();
    offered->suffix.clear();
    offered->prompt_hash.reset();
  } else if (auto* outcome = std::get_if<schema::Outcome>(&event.body)) {
    outcome->text.clear();
  } else if (auto* settled = std::get_if<schema::Settled>(&event.body)) {
    settled->text.clear();
  } else if (auto* rated = std::get_if<schema::Rated>(&event.body)) {
    rated->reason.clear();
  }
  return event;
}

}  // namespace

class Gate::Impl {
 public:
  explicit Impl(GateOptions options)
      : options_(std::move(options)),
        now_ms_(options_.now_ms ? options_.now_ms : steady_ms),
        judge_(options_.exclude, options_.home, now_ms_) {
    for (const std::string& folder : options_.workspaces) {
      std::error_code error;
      const fs::path real = fs::weakly_canonical(folder, error);
      if (!error && real.is_absolute() && real != real.root_path()) consented_.push_back(real);
    }
  }

  GateResult pass(const schema::Event& event) {
    const std::lock_guard lock(mutex_);
    try {
      return decide(event);
    } catch (const std::exception&) {
      // Closed: not even the pseudonym can be relied on.
      return {true, "", "fault"};
    }
  }

  ProviderDecision pass_request(std::string_view uri, std::string_view prefix,
                                std::string_view suffix) {
    const std::lock_guard lock(mutex_);
    try {
      if (paused()) return {false, "paused", "", ""};
      const auto path = path_of_uri(uri);
      if (!path) return {false, "not_a_file", "", ""};
      const JudgedFile& file = judged(*path);
      if (file.exclusion) return {false, *file.exclusion, "", ""};
      return {true, "scrubbed", schema::scrub_secrets(prefix), schema::scrub_secrets(suffix)};
    } catch (const std::exception&) {
      return {false, "fault", "", ""};
    }
  }

 private:
  GateResult decide(const schema::Event& event) {
    if (options_.mode == Mode::kOff) return {true, "", "off"};
    if (paused()) return {true, "", "paused"};
    const auto path = path_of_uri(event.uri);
    if (!path) return counts(event, "not_a_file");
    const JudgedFile& file = judged(*path);
    if (file.exclusion) return {true, "", *file.exclusion};
    if (options_.mode != Mode::kFull) return counts(event, "metrics_only");
    for (const fs::path& folder : consented_)
      if (is_below(file.real, folder)) return whole(event, file, "consent:" + folder.string());
    return counts(event, "no_consent");
  }

  GateResult counts(const schema::Event& event, const std::string& rule) {
    json record = schema::event_to_json(counts_alone(event, key()));
    const json pseudonym = record["uri"];
    scrub(record);  // names of models and servers are others' words
    record["uri"] = pseudonym;
    return written(std::move(record), event, rule);
  }

  GateResult whole(const schema::Event& event, const JudgedFile& file, const std::string& rule) {
    schema::Event out = event;
    if (!file.repository.empty()) {
      out.repo = pseudonym(key(), file.repository.string());
      out.path = file.real.lexically_relative(file.repository).generic_string();
      if (const std::string commit = commit_of(file.repository); !commit.empty())
        out.commit = commit;
    }
    json record = schema::event_to_json(out);
    scrub(record);
    // Ours, and no secrets even where a long hash looks like one.
    if (out.repo) record["repo"] = *out.repo;
    if (out.commit) record["commit"] = *out.commit;
    if (const auto* offered = std::get_if<schema::Offered>(&out.body); offered != nullptr)
      if (offered->prompt_hash) record["prompt_hash"] = *offered->prompt_hash;
    return written(std::move(record), event, rule);
  }

  static GateResult written(json record, const schema::Event& event, const std::string& rule) {
    record["secret_rules"] = schema::kSecretRulesVersion;
    if (const auto* offered = std::get_if<schema::Offered>(&event.body))
      for (std::size_t i = 0; i < offered->candidates.size(); ++i)
        record["candidates"][i]["chars"] = characters(offered->candidates[i].text);
    return {false, record.dump(-1, ' ', false, json::error_handler_t::replace), rule};
  }

  const Key& key() {
    if (!key_) key_ = key_in(options_.state);
    return *key_;
  }

  bool paused() {
    const double now = now_ms_();
    if (!paused_ || now - paused_ms_ >= kCacheMs) {
      paused_ = is_paused(options_.state);
      paused_ms_ = now;
    }
    return *paused_;
  }

  struct Judgement {
    JudgedFile file;
    double judged_ms = 0;
  };
  const JudgedFile& judged(const fs::path& path) {
    const double now = now_ms_();
    if (const auto found = files_.find(path);
        found != files_.end() && now - found->second.judged_ms < kCacheMs)
      return found->second.file;
    if (files_.size() >= kMaxCached) files_.clear();
    return (files_[path] = {judge_.judge(path), now}).file;
  }

  const GateOptions options_;
  const std::function<double()> now_ms_;
  std::vector<fs::path> consented_;

  std::mutex mutex_;  // guards all below
  FileJudge judge_;
  std::map<fs::path, Judgement> files_;
  std::optional<Key> key_;
  std::optional<bool> paused_;
  double paused_ms_ = 0;
};

Gate::Gate(GateOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Gate::~Gate() = default;
GateResult Gate::pass(const schema::Event& event) { return impl_->pass(event); }
ProviderDecision Gate::pass_request(std::string_view uri, std::string_view prefix,
                                    std::string_view suffix) {
  return impl_->pass_request(uri, prefix, suffix);
}

}  // namespace strop::agent
