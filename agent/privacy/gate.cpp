#include "agent/privacy/gate.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "agent/inspector.h"
#include "agent/privacy/file_judge.h"
#include "agent/privacy/git_repository.h"
#include "agent/privacy/outgoing.h"
#include "agent/privacy/pseudonyms.h"
#include "schema/secrets.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double kCacheMs = 1'000;
constexpr std::size_t kMaxCached = 4'096;
// Looking for secrets in more would hold up the editor.
constexpr std::size_t kMostText = 4u << 20;

double steady_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool is_below(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

// All texts that a person wrote or was offered.
std::size_t text_bytes(const schema::Event& event) {
  if (const auto* offered = std::get_if<schema::Offered>(&event.body)) {
    std::size_t size = offered->prefix.size() + offered->suffix.size();
    for (const schema::Candidate& candidate : offered->candidates)
      size += candidate.text.size() + candidate.replaces.size();
    return size;
  }
  if (const auto* outcome = std::get_if<schema::Outcome>(&event.body)) return outcome->text.size();
  if (const auto* settled = std::get_if<schema::Settled>(&event.body)) return settled->text.size();
  if (const auto* rated = std::get_if<schema::Rated>(&event.body)) return rated->reason.size();
  return 0;
}

}  // namespace

class Gate::Impl {
 public:
  explicit Impl(GateOptions options)
      : options_(std::move(options)),
        now_ms_(options_.now_ms ? options_.now_ms : steady_ms),
        judge_(options_.exclude, options_.user, options_.state, now_ms_),
        scrubber_(options_.find_secrets ? options_.find_secrets : schema::scan_secrets) {
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
    } catch (const std::exception& error) {
      // Closed: not even the pseudonym can be relied on.
      complain(error);
      return {true, "", "fault"};
    }
  }

  CaptureRuling ruling(std::string_view uri) {
    const std::lock_guard lock(mutex_);
    try {
      const JudgedFile* file = nullptr;
      CaptureRuling ruling = rule_over(uri, &file);
      if (uri.empty() && ruling.captured == Captured::kCounts)
        ruling.rule = options_.mode == Mode::kFull ? "no_consent" : "metrics_only";
      return ruling;
    } catch (const std::exception& error) {
      complain(error);
      return {Captured::kNothing, "fault"};
    }
  }

  void look_again() {
    const std::lock_guard lock(mutex_);
    paused_.reset();
  }

  ProviderDecision pass_request(std::string_view uri, std::string_view prefix,
                                std::string_view suffix) {
    const std::lock_guard lock(mutex_);
    try {
      const auto path = path_of_uri(uri);
      if (!path) return {false, paused() ? "paused" : "not_a_file", "", "", ""};
      const JudgedFile& file = judged(*path);
      const std::string repository = file.repository.string();
      if (paused()) return {false, "paused", "", "", repository};
      if (file.exclusion) return {false, *file.exclusion, "", "", repository};
      if (prefix.size() + suffix.size() > kMostText)
        return {false, "too_large", "", "", repository};
      auto [before, after] = scrubber_.scrubbed(prefix, suffix);
      return {true, "scrubbed", std::move(before), std::move(after), repository};
    } catch (const std::exception& error) {
      complain(error);
      return {false, "fault", "", "", ""};
    }
  }

 private:
  // `file`: set where there is one to judge.
  CaptureRuling rule_over(std::string_view uri, const JudgedFile** file) {
    if (options_.mode == Mode::kOff) return {Captured::kNothing, "off"};
    if (paused()) return {Captured::kNothing, "paused"};
    const auto path = path_of_uri(uri);
    if (!path) return {Captured::kCounts, "not_a_file"};
    *file = &judged(*path);
    if ((*file)->exclusion) return {Captured::kNothing, *(*file)->exclusion};
    if (options_.mode != Mode::kFull) return {Captured::kCounts, "metrics_only"};
    for (const fs::path& folder : consented_)
      if (is_below((*file)->real, folder)) return {Captured::kFull, "consent:" + folder.string()};
    return {Captured::kCounts, "no_consent"};
  }

  GateResult decide(const schema::Event& event) {
    const JudgedFile* file = nullptr;
    const CaptureRuling ruling = rule_over(event.uri, &file);
    if (ruling.captured == Captured::kNothing) return {true, "", ruling.rule};
    if (file == nullptr)
      return written(counts_record(event, pseudonyms().of_uri(event.uri)), ruling.rule);
    if (ruling.captured != Captured::kFull) return counts(event, *file, ruling.rule);
    if (text_bytes(event) > kMostText) return counts(event, *file, "too_large");
    if (!scrubber_.knows_place_of(event)) return counts(event, *file, "unknown_place");
    try {
      return whole(event, *file, ruling.rule);
    } catch (const std::exception& error) {
      complain(error, "only counts of");
      return written(nameless_record(event, pseudonyms().of_file(file->real)), "scrub_failed");
    }
  }

  GateResult counts(const schema::Event& event, const JudgedFile& file, const std::string& rule) {
    return written(counts_record(event, pseudonyms().of_file(file.real)), rule);
  }

  GateResult whole(const schema::Event& event, const JudgedFile& file, const std::string& rule) {
    schema::Event out = event;
    if (!file.repository.empty()) {
      out.repo = pseudonyms().of(file.repository.string());
      out.path = file.real.lexically_relative(file.repository).generic_string();
      if (const auto repository = GitRepository::above(file.real))
        if (const std::string commit = repository->commit(); !commit.empty()) out.commit = commit;
    }
    return written(whole_record(out, scrubber_), rule);
  }

  static GateResult written(const json& record, const std::string& rule) {
    return {false, record.dump(-1, ' ', false, json::error_handler_t::replace), rule};
  }

  const Pseudonyms& pseudonyms() {
    if (!pseudonyms_) {
      auto read = Pseudonyms::read_or_make(options_.state);
      if (!read) throw std::runtime_error(read.error());
      pseudonyms_ = *read;
    }
    return *pseudonyms_;
  }

  // Once each: what goes wrong with one event mostly goes wrong with all.
  void complain(const std::exception& error, const char* what = "nothing of") {
    if (complaint_ == error.what()) return;
    complaint_ = error.what();
    spdlog::error("gate: {}; {} what this is about is captured or sent", complaint_, what);
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
    if (judge_.has_new_never()) files_.clear();
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
  EventScrubber scrubber_;
  std::map<fs::path, Judgement> files_;
  std::optional<Pseudonyms> pseudonyms_;
  std::string complaint_;  // the last that was logged
  std::optional<bool> paused_;
  double paused_ms_ = 0;
};

Gate::Gate(GateOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Gate::~Gate() = default;
CaptureRuling Gate::ruling(std::string_view uri) { return impl_->ruling(uri); }
void Gate::look_again() { impl_->look_again(); }
GateResult Gate::pass(const schema::Event& event) { return impl_->pass(event); }
ProviderDecision Gate::pass_request(std::string_view uri, std::string_view prefix,
                                    std::string_view suffix) {
  return impl_->pass_request(uri, prefix, suffix);
}

}  // namespace strop::agent
