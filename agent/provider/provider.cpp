#include "agent/provider/provider.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/provider/candidate_cache.h"
#include "agent/provider/http_client.h"
#include "agent/provider/related_files.h"
#include "agent/provider/silence_filter.h"
#include "lsp/message.h"

namespace strop::agent {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

struct Provider::Job {
  InlineAsk ask;
  lsp::MessageId id;
  Steady::time_point asked = Steady::now();
  bool answered = false;  // guarded by jobs_mutex_
};

namespace {

constexpr std::chrono::minutes kCacheAge{2};

InlineAnswer nothing_for(const InlineAsk& ask) {
  InlineAnswer answer;
  answer.request_id = ask.request_id;
  answer.position = ask.position;
  return answer;
}

double milliseconds_since(Steady::time_point begin) {
  return std::chrono::duration<double, std::milli>(Steady::now() - begin).count();
}

// A model server, its connection, and how it was last.
class Peer {
 public:
  Peer(asio::io_context& io, const Backend& backend)
      : backend_(backend), client_(io, backend.endpoint, backend.key) {}

  const Backend& backend() const { return backend_; }
  HttpClient& client() { return client_; }

  void note_health(const std::string& error) {
    const std::string who = backend_.endpoint.host + ":" + backend_.endpoint.port +
                            (backend_.arm ? " (arm " + *backend_.arm + ")" : "");
    if (!error.empty() && healthy_)
      spdlog::warn("provider {}: {}; completions stay empty until it answers", who, error);
    if (error.empty() && !healthy_) spdlog::info("provider {}: answers again", who);
    healthy_ = error.empty();
  }

 private:
  const Backend& backend_;
  HttpClient client_;
  bool healthy_ = true;
};

// What was kept is shown first, so that what stands at the cursor does not change under the eye.
// Each has its own numbers; of a text in both answers those that it has at this place.
KnownCandidates joined(const KnownCandidates& known, const KnownCandidates& more) {
  KnownCandidates all = more;
  all.texts = known.texts;
  all.note.logprobs = known.note.logprobs;
  all.note.propensities = known.note.propensities;
  all.tokens = known.tokens;
  for (std::size_t i = 0; i < more.texts.size(); ++i) {
    const auto same = std::find(all.texts.begin(), all.texts.end(), more.texts[i]);
    const auto at = static_cast<std::size_t>(same - all.texts.begin());
    if (same == all.texts.end()) {
      all.texts.push_back(more.texts[i]);
      all.note.logprobs.emplace_back();
      all.note.propensities.emplace_back();
      all.tokens.emplace_back();
    }
    all.note.logprobs[at] = more.note.logprobs[i];
    all.note.propensities[at] = more.note.propensities[i];
    all.tokens[at] = more.tokens[i];
  }
  return all;
}

}  // namespace

// The thread, and what lives on it alone.
class Provider::Loop {
 public:
  explicit Loop(Provider& provider)
      : provider_(provider),
        pause_(io_),
        cache_(static_cast<std::size_t>(provider.config_.cache), kCacheAge),
        related_(static_cast<std::size_t>(provider.config_.related_bytes)) {
    for (const Backend& backend : provider.backends_) peers_.emplace_back(io_, backend);
    asio::co_spawn(io_, serve(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
    ::pthread_setname_np(thread_.native_handle(), "provider");
  }

  void wake() {
    asio::post(io_, [this] { pause_.cancel(); });
  }

  // What waits or is with the server may be out of date.
  void abort(const std::shared_ptr<Job>& job) {
    asio::post(io_, [this, job] {
      if (with_server_ == job) asked_->client().abort();
      pause_.cancel();
    });
  }

  void stop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  asio::awaitable<void> serve() {
    while (true) {
      const std::shared_ptr<Job> job = provider_.take_next();
      if (job == nullptr)
        co_await pause_until(Steady::time_point::max());
      else
        co_await serve_or_answer(job);
    }
  }

  // Whatever goes wrong with one: it gets an answer, and the next is served.
  asio::awaitable<void> serve_or_answer(std::shared_ptr<Job> job) {
    try {
      co_await serve_one(job);
    } catch (const std::exception& error) {
      spdlog::error("provider: a completion failed: {}", error.what());
      with_server_ = nullptr;
      answer(job, nothing_for(job->ask), &ProviderCounts::failed);
    }
  }

  // Ends early when woken.
  asio::awaitable<void> pause_until(Steady::time_point end) {
    pause_.expires_at(end);
    co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  bool answered(const std::shared_ptr<Job>& job) const {
    const std::lock_guard lock(provider_.jobs_mutex_);
    return job->answered;
  }

  bool superseded() const {
    const std::lock_guard lock(provider_.jobs_mutex_);
    return !provider_.waiting_.empty();
  }

  asio::awaitable<void> serve_one(std::shared_ptr<Job> job) {
    const ProviderConfig& config = provider_.config_;
    if (answer_from_cache(job)) co_return;
    const auto debounced =
        job->asked + std::chrono::milliseconds(static_cast<std::int64_t>(config.debounce_ms));
    // Who asks by hand has paused already.
    while (!job->ask.invoked && Steady::now() < debounced && !answered(job) && !superseded())
      co_await pause_until(debounced);
    if (answered(job)) co_return;
    if (config.debounce_ms > 0 && superseded()) {
      answer(job, nothing_for(job->ask), &ProviderCounts::superseded);
      co_return;
    }
    const InlineAsk asked = job->ask;  // with nothing taken out: the cache's
    if (!permitted(job->ask)) {
      answer(job, nothing_for(job->ask), &ProviderCounts::refused);
      co_return;
    }
    job->ask.related = related_.choose(job->ask, [this](InlineAsk& ask) { return permitted(ask); });
    co_await ask_server(job, asked);
  }

  bool answer_from_cache(const std::shared_ptr<Job>& job) {
    auto known = cache_.find(job->ask, Steady::now());
    const auto wanted = static_cast<std::size_t>(candidates_wanted(provider_.config_, job->ask));
    if (!known || known->asked < wanted) return false;
    InlineAsk permitted_ask = job->ask;
    if (!permitted(permitted_ask)) {
      answer(job, nothing_for(job->ask), &ProviderCounts::refused);
      return true;
    }
    InlineAnswer full = nothing_for(job->ask);
    full.texts = std::move(known->texts);
    full.note = std::move(known->note);
    full.note.latency_ms = milliseconds_since(job->asked);
    answer(job, std::move(full), &ProviderCounts::cache_hits);
    return true;
  }

  bool permitted(InlineAsk& ask) const {
    try {
      return provider_.permit_(ask);
    } catch (const std::exception& error) {
      spdlog::error("provider: the privacy gate failed, nothing is sent: {}", error.what());
      return false;
    }
  }

  asio::awaitable<void> ask_server(std::shared_ptr<Job> job, InlineAsk asked) {
    Peer& peer = peers_[provider_.backend_for(job->ask)];
    const Backend& backend = peer.backend();
    with_server_ = job;
    asked_ = &peer;
    const auto body = co_await peer.client().post(
        request_body(backend.endpoint.api, backend.config, job->ask),
        std::chrono::milliseconds(static_cast<std::int64_t>(backend.config.timeout_ms)));
    with_server_ = nullptr;
    if (answered(job)) co_return;
    auto completions = body ? read_completions(backend.endpoint.api, *body, job->ask)
                            : tl::unexpected(body.error());
    peer.note_health(completions ? "" : completions.error());
    if (!completions) {
      answer(job, nothing_for(job->ask), &ProviderCounts::failed);
      co_return;
    }
    give(job, asked, backend, std::move(*completions));
  }

  void give(const std::shared_ptr<Job>& job, const InlineAsk& asked, const Backend& backend,
            Completions completions) {
    const bool had_some = !completions.texts.empty();
    Filtered filtered = filter_silent(backend, job->ask, std::move(completions));
    KnownCandidates candidates;
    candidates.texts = std::move(filtered.shown.texts);
    candidates.asked = static_cast<std::size_t>(candidates_wanted(backend.config, job->ask));
    ProviderNote& note = candidates.note;
    note.model = filtered.shown.model.empty() ? backend.config.model : filtered.shown.model;
    note.server = producer_name(backend.config, backend.endpoint);
    note.prompt_hash = prompt_hash(job->ask);
    note.exact = job->ask.related.empty();
    note.arm = backend.arm;
    note.propensities.assign(candidates.texts.size(), filtered.propensity);
    note.logprobs = std::move(filtered.shown.logprobs);
    candidates.tokens = std::move(filtered.shown.tokens);
    note.latency_ms = milliseconds_since(job->asked);
    const auto known = job->ask.invoked ? cache_.find(asked, Steady::now()) : std::nullopt;
    if (known) candidates = joined(*known, candidates);
    cache_.keep(asked, candidates, Steady::now());
    InlineAnswer full = nothing_for(job->ask);
    full.texts = std::move(candidates.texts);
    full.note = std::move(candidates.note);
    const auto count = !full.texts.empty() ? &ProviderCounts::answered
                       : had_some          ? &ProviderCounts::silent
                                           : &ProviderCounts::empty;
    answer(job, std::move(full), count);
  }

  void answer(const std::shared_ptr<Job>& job, InlineAnswer what,
              std::uint64_t ProviderCounts::*count) {
    if (provider_.settle(job, count)) provider_.sink_(std::move(what));
  }

  Provider& provider_;
  asio::io_context io_{1};
  asio::steady_timer pause_;
  std::deque<Peer> peers_;
  CandidateCache cache_;
  RelatedFiles related_;
  std::shared_ptr<Job> with_server_;
  Peer* asked_ = nullptr;  // whom with_server_ is with
  std::thread thread_;
};

Provider::Provider(ProviderConfig config, std::vector<Backend> backends, Permit permit,
                   InlineSink sink)
    : config_(std::move(config)),
      backends_(std::move(backends)),
      permit_(std::move(permit)),
      sink_(std::move(sink)),
      loop_(std::make_unique<Loop>(*this)) {}

Provider::~Provider() { stop(); }

void Provider::stop() { loop_->stop(); }

void Provider::ask(InlineAsk ask) {
  auto job = std::make_shared<Job>();
  job->id = lsp::parse_id(ask.request_id);
  job->ask = std::move(ask);
  std::shared_ptr<Job> displaced;
  {
    const std::lock_guard lock(jobs_mutex_);
    ++counts_.asked;
    waiting_.push_back(std::move(job));
    if (waiting_.size() > kMaxWaiting) {
      displaced = waiting_.front();
      waiting_.pop_front();
    }
  }
  if (displaced && settle(displaced, &ProviderCounts::superseded))
    sink_(nothing_for(displaced->ask));
  loop_->wake();
}

bool Provider::cancel(std::string_view request_id) {
  const lsp::MessageId id = lsp::parse_id(request_id);
  std::shared_ptr<Job> job;
  {
    const std::lock_guard lock(jobs_mutex_);
    const auto waiting = std::find_if(waiting_.begin(), waiting_.end(),
                                      [&id](const auto& one) { return one->id == id; });
    if (waiting != waiting_.end()) {
      job = *waiting;
      waiting_.erase(waiting);
    } else if (current_ && current_->id == id && !current_->answered) {
      job = current_;
    }
  }
  if (!job || !settle(job, &ProviderCounts::cancelled)) return false;
  InlineAnswer answer = nothing_for(job->ask);
  answer.cancelled = true;
  sink_(std::move(answer));
  loop_->abort(job);
  return true;
}

const Backend& Provider::backend_of(std::string_view uri) const {
  InlineAsk ask;
  ask.uri = std::string(uri);
  static_cast<void>(permit_(ask));
  return backends_[backend_for(ask)];
}

std::size_t Provider::backend_for(const InlineAsk& ask) const {
  const bool by_repository = config_.arms_by == "repository" && !ask.repository.empty();
  return choose_backend(backends_, by_repository ? ask.repository : ask.user);
}

ProviderCounts Provider::counts() const {
  const std::lock_guard lock(jobs_mutex_);
  return counts_;
}

std::shared_ptr<Provider::Job> Provider::take_next() {
  const std::lock_guard lock(jobs_mutex_);
  current_ = nullptr;
  if (!waiting_.empty()) {
    current_ = waiting_.front();
    waiting_.pop_front();
  }
  return current_;
}

bool Provider::settle(const std::shared_ptr<Job>& job, std::uint64_t ProviderCounts::*count) {
  const std::lock_guard lock(jobs_mutex_);
  if (job->answered) return false;
  job->answered = true;
  ++(counts_.*count);
  return true;
}

}  // namespace strop::agent
