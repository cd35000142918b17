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

#include "agent/provider/http_client.h"
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

InlineAnswer nothing_for(const InlineAsk& ask) {
  InlineAnswer answer;
  answer.request_id = ask.request_id;
  answer.position = ask.position;
  return answer;
}

double milliseconds_since(Steady::time_point begin) {
  return std::chrono::duration<double, std::milli>(Steady::now() - begin).count();
}

}  // namespace

// The thread, and what lives on it alone.
class Provider::Loop {
 public:
  Loop(Provider& provider, std::string key)
      : provider_(provider), client_(io_, provider.endpoint_, std::move(key)), pause_(io_) {
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
      if (with_server_ == job) client_.abort();
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
        co_await serve_one(job);
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
    const auto debounced =
        job->asked + std::chrono::milliseconds(static_cast<std::int64_t>(config.debounce_ms));
    while (Steady::now() < debounced && !answered(job) && !superseded())
      co_await pause_until(debounced);
    if (answered(job)) co_return;
    if (config.debounce_ms > 0 && superseded()) {
      answer(job, nothing_for(job->ask), &ProviderCounts::superseded);
      co_return;
    }
    if (!permitted(job->ask)) {
      answer(job, nothing_for(job->ask), &ProviderCounts::refused);
      co_return;
    }
    co_await ask_server(job);
  }

  bool permitted(InlineAsk& ask) const {
    try {
      return provider_.permit_(ask);
    } catch (const std::exception& error) {
      spdlog::error("provider: the privacy gate failed, nothing is sent: {}", error.what());
      return false;
    }
  }

  asio::awaitable<void> ask_server(std::shared_ptr<Job> job) {
    const ProviderConfig& config = provider_.config_;
    with_server_ = job;
    const auto body = co_await client_.post(
        request_body(provider_.endpoint_.api, config, job->ask),
        std::chrono::milliseconds(static_cast<std::int64_t>(config.timeout_ms)));
    with_server_ = nullptr;
    if (answered(job)) co_return;
    const auto completions =
        body ? read_completions(provider_.endpoint_.api, *body, job->ask.single_line)
             : tl::unexpected(body.error());
    provider_.note_health(completions ? "" : completions.error());
    if (!completions) {
      answer(job, nothing_for(job->ask), &ProviderCounts::failed);
      co_return;
    }
    InlineAnswer full = nothing_for(job->ask);
    full.texts = completions->texts;
    full.note.model = completions->model.empty() ? config.model : completions->model;
    full.note.server = producer_name(config, provider_.endpoint_);
    full.note.prompt_hash = prompt_hash(job->ask);
    full.note.logprobs = completions->logprobs;
    full.note.latency_ms = milliseconds_since(job->asked);
    answer(job, std::move(full),
           completions->texts.empty() ? &ProviderCounts::empty : &ProviderCounts::answered);
  }

  void answer(const std::shared_ptr<Job>& job, InlineAnswer what,
              std::uint64_t ProviderCounts::*count) {
    if (provider_.settle(job, count)) provider_.sink_(std::move(what));
  }

  Provider& provider_;
  asio::io_context io_{1};
  HttpClient client_;
  asio::steady_timer pause_;
  std::shared_ptr<Job> with_server_;
  std::thread thread_;
};

Provider::Provider(ProviderConfig config, Endpoint endpoint, std::string key, Permit permit,
                   InlineSink sink)
    : config_(std::move(config)),
      endpoint_(std::move(endpoint)),
      permit_(std::move(permit)),
      sink_(std::move(sink)),
      loop_(std::make_unique<Loop>(*this, std::move(key))) {}

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

void Provider::note_health(const std::string& error) {
  if (!error.empty() && healthy_)
    spdlog::warn("provider {}:{}: {}; completions stay empty until it answers", endpoint_.host,
                 endpoint_.port, error);
  if (error.empty() && !healthy_)
    spdlog::info("provider {}:{}: answers again", endpoint_.host, endpoint_.port);
  healthy_ = error.empty();
}

}  // namespace strop::agent
