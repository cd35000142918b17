#include "trainer/serve/service.h"

#include <algorithm>
#include <boost/beast/http.hpp>
#include <chrono>
#include <stdexcept>

#include "trainer/generate.h"
#include "trainer/model/adapter.h"
#include "trainer/progress.h"
#include "trainer/serve/infill_request.h"
#include "trainer/serve/request_prompt.h"

namespace strop::trainer {
namespace {

namespace http = boost::beast::http;
using nlohmann::json;

constexpr std::chrono::milliseconds kLook{50};  // how often it is looked whether the client left
constexpr std::size_t kMib = 1 << 20;
constexpr std::int64_t kLeastPrompt = 8;
constexpr std::int64_t kLeastRoom = 1;
constexpr std::int64_t kOpenEndShare = 4;  // a quarter of the context is for a text without a bound

// A page in a browser elsewhere may send requests here (DNS rebinding); it cannot choose these
// names.
bool is_loopback_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1) == "[::1]";
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host == "127.0.0.1";
}

bool same_token(std::string_view a, std::string_view b) {
  unsigned char different = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    different |= static_cast<unsigned char>(a[i] ^ b[i]);
  return different == 0;
}

std::string path_of(const HttpRequest& request) {
  const auto target = request.target();
  return std::string(target.substr(0, target.find('?')));
}

bool takes_post(std::string_view path) { return path == "/v1/completions" || path == "/infill"; }

std::int64_t whole_seconds() { return static_cast<std::int64_t>(unix_seconds()); }

std::string too_large(std::size_t bytes, std::size_t most) {
  const std::string needed = std::to_string((bytes + kMib - 1) / kMib);
  return "the keys and values of this may take " + needed + " MiB, and the server has " +
         std::to_string(most / kMib) +
         ": ask for fewer completions or fewer tokens, or with a shorter prompt; or start the "
         "server with --batch-mib " +
         needed;
}

HttpResponse response_of(int status, const HttpRequest& request) {
  HttpResponse out{http::int_to_status(static_cast<unsigned>(status)), request.version()};
  out.keep_alive(request.keep_alive());
  out.set(http::field::cache_control, "no-store");
  return out;
}

// Whether a model gives probabilities at all: a damaged adapter does not.
bool gives_finite_logits(const Decoder& decoder) {
  const c10::InferenceMode inference;
  KvCache cache = decoder.make_cache(1, 1);
  KvCache* const caches[] = {&cache};
  const torch::Tensor hidden = decoder.step(torch::zeros({1}, torch::kInt64), caches);
  return torch::isfinite(decoder.logits(hidden)).all().item<bool>();
}

Decoder without_adapter(const Decoder& decoder) {
  Decoder out = decoder;  // the weights are shared
  for (Linear* linear : out.linears()) linear->remove_adapter();
  return out;
}

}  // namespace

Service::Service(LoadedModel& model, ServiceOptions options, const std::atomic<bool>& stopping)
    : model_(model),
      options_(std::move(options)),
      stopping_(stopping),
      started_(whole_seconds()),
      engine_(std::make_shared<const ServedModel>(ServedModel{model.decoder, model.name}),
              model.tokenizer,
              {.most_rows = static_cast<std::size_t>(kMaxCount),
               .batch_bytes = options_.batch_bytes,
               .most_waiting = options_.max_waiting,
               .cache_bytes = options_.cache_bytes},
              counts_) {
  const std::int64_t positions = model.decoder.config().max_positions;
  if (options_.context == 0) options_.context = positions;
  if (options_.context > positions || options_.context <= kLeastPrompt)
    throw std::invalid_argument("--context must be from " + std::to_string(kLeastPrompt + 1) +
                                " to the model's " + std::to_string(positions) + " positions");
}

tl::expected<std::string, std::string> Service::use_adapter(const std::string& folder) {
  ServedModel next{without_adapter(model_.decoder), adapted_name(model_.base_name, folder)};
  if (!folder.empty()) {
    if (const auto loaded = load_adapter(next.decoder, folder); !loaded)
      return tl::unexpected(loaded.error());
    if (!gives_finite_logits(next.decoder))
      return tl::unexpected("the adapter " + folder +
                            " cannot be used: with it the model gives no finite probability, so "
                            "its weights are damaged");
  }
  std::string name = next.name;
  engine_.switch_to(std::make_shared<const ServedModel>(std::move(next)));
  return name;
}

bool Service::send(HttpResponse response, const HttpRequest& request, Connection& to) {
  return to.write(std::move(response), request.method() == http::verb::head) &&
         request.keep_alive();
}

bool Service::reply(int status, const json& body, const HttpRequest& request, Connection& to) {
  HttpResponse out = response_of(status, request);
  out.set(http::field::content_type, "application/json");
  if (status == 401) out.set(http::field::www_authenticate, "Bearer");
  if (status == 429 || status == 503) out.set(http::field::retry_after, "1");
  if (status == 405)
    out.set(http::field::allow, takes_post(path_of(request)) ? "POST" : "GET, HEAD");
  out.body() = json_text(body);
  return send(std::move(out), request, to);
}

bool Service::reply(const RequestError& error, const HttpRequest& request, Connection& to) {
  ++counts_.errors;
  return reply(error.status, error_response(error), request, to);
}

bool Service::refuse(const RequestError& error, Connection& to) {
  HttpRequest none;
  none.keep_alive(false);
  return reply(error, none, to);
}

std::optional<RequestError> Service::intruder(const HttpRequest& request) const {
  if (const auto origin = request[http::field::origin]; !origin.empty())
    return RequestError{403, "requests from web pages are refused", "", ""};
  const auto host = request[http::field::host];
  if (local_ && !is_loopback_name({host.data(), host.size()}))
    return RequestError{403, "the Host header must name this machine (localhost)", "", ""};
  if (options_.token.empty()) return std::nullopt;
  const auto given = request[http::field::authorization];
  if (!same_token({given.data(), given.size()}, "Bearer " + options_.token))
    return RequestError{401, "a token is needed: Authorization: Bearer TOKEN", "",
                        "invalid_api_key"};
  return std::nullopt;
}

bool Service::answer(const HttpRequest& request, Connection& to) {
  if (const auto error = intruder(request)) return reply(*error, request, to);
  const std::string path = path_of(request);
  const bool asks = takes_post(path);
  if (!asks && path != "/v1/models" && path != "/health" && path != "/metrics")
    return reply(
        {404,
         "there is only /v1/completions, /infill, /v1/models, /health and /metrics, not " + path,
         "", "unknown_url"},
        request, to);
  const http::verb method = request.method();
  if (asks ? method != http::verb::post : method != http::verb::get && method != http::verb::head)
    return reply({405, asks ? "POST it" : "GET it", "", "method_not_supported"}, request, to);
  if (asks) return complete(path == "/infill" ? Api::kInfill : Api::kCompletions, request, to);
  if (path == "/health") return reply(200, {{"status", "ok"}}, request, to);
  if (path == "/v1/models")
    return reply(200,
                 {{"object", "list"},
                  {"data", json::array({{{"id", engine_.model()->name},
                                         {"object", "model"},
                                         {"created", started_},
                                         {"owned_by", "strop"}}})}},
                 request, to);
  HttpResponse out = response_of(200, request);
  out.set(http::field::content_type, "text/plain; version=0.0.4");
  out.body() = metrics_text(counts_);
  return send(std::move(out), request, to);
}

// Throws std::invalid_argument for a prompt that the model cannot take.
BatchJob Service::job_of(const CompletionRequest& request) {
  const std::int64_t most = options_.context - kLeastPrompt;
  const bool open_end = request.max_tokens < 0;
  const std::int64_t kept_free = open_end ? std::max(options_.context / kOpenEndShare, kLeastRoom)
                                          : std::clamp(request.max_tokens, kLeastRoom, most);
  BatchJob out;
  {
    const std::lock_guard lock(encoding_);
    out.prompt = request_prompt(model_.tokenizer, model_.family, request,
                                static_cast<std::size_t>(options_.context - kept_free));
  }
  out.count = request.count;
  out.use_prefix_cache = request.use_prefix_cache;
  out.most_time = std::chrono::milliseconds(request.most_ms);
  const std::int64_t room = options_.context - static_cast<std::int64_t>(out.prompt.size());
  out.options.max_tokens = open_end ? room : std::min(request.max_tokens, room);
  out.options.temperature = request.temperature;
  out.options.top_p = request.top_p;
  out.options.top_k = request.top_k;
  out.options.seed = request.seed;
  out.options.stop = request.stop;
  out.options.alternatives = request.logprobs.value_or(0);
  room_after(out.prompt, model_.decoder.config(), out.options.max_tokens);
  out.row_bytes = most_row_bytes(model_.decoder, out);
  return out;
}

bool Service::complete(Api api, const HttpRequest& request, Connection& to) {
  ++counts_.requests;
  const auto model = engine_.model();
  auto read = api == Api::kInfill ? read_infill_request(request.body(), model->name)
                                  : read_completion_request(request.body(), model->name);
  if (!read) return reply(read.error(), request, to);
  BatchJob job;
  try {
    job = job_of(*read);
  } catch (const std::invalid_argument& error) {
    return reply({400, error.what(), "prompt", ""}, request, to);
  }
  if (const std::size_t bytes = job.count * job.row_bytes; bytes > options_.batch_bytes)
    return reply({400, too_large(bytes, options_.batch_bytes), "", ""}, request, to);
  const bool events = read->stream;
  const std::string id = "cmpl-" + std::to_string(started_) + "-" + std::to_string(++served_);
  Answer answer(api, std::move(*read), {id, whole_seconds(), model->name}, job.prompt.size(),
                model_.tokenizer);
  const auto stream = engine_.submit(model, std::move(job));
  if (!stream && stream.error() == Engine::Refusal::kFull)
    return reply({429, "too many requests wait; try again", "", "rate_limit_exceeded"}, request,
                 to);
  if (!stream) return reply({503, "the server is ending", "", ""}, request, to);
  return events ? send_events(answer, **stream, request, to)
                : send_whole(answer, **stream, request, to);
}

std::optional<AnswerStream::News> Service::news_of(AnswerStream& stream, Connection& to) {
  while (true) {
    AnswerStream::News news = stream.take(kLook);
    if (!stopping_ && !to.has_left()) {
      if (news.ended || !news.pieces.empty()) return news;
      continue;
    }
    give_up(stream);
    return std::nullopt;
  }
}

void Service::give_up(AnswerStream& stream) {
  stream.cancel();
  ++counts_.cancelled;
}

bool Service::end_early(const HttpRequest& request, Connection& to) {
  if (!to.has_left()) reply({503, "the server is ending", "", ""}, request, to);
  return false;
}

bool Service::send_whole(Answer& answer, AnswerStream& stream, const HttpRequest& request,
                         Connection& to) {
  for (bool ended = false; !ended;) {
    auto news = news_of(stream, to);
    if (!news) return end_early(request, to);
    if (!news->failure.empty()) return reply({500, news->failure, "", ""}, request, to);
    answer.add(*news);
    ended = news->ended;
  }
  return reply(200, answer.whole(), request, to);
}

// The status is known with the first token: what fails before it is an error as any other.
bool Service::send_events(Answer& answer, AnswerStream& stream, const HttpRequest& request,
                          Connection& to) {
  const auto send = [&](const std::vector<std::string>& events) {
    for (const std::string& event : events)
      if (!to.write_event(event)) return false;
    return true;
  };
  bool begun = false;
  for (bool ended = false; !ended;) {
    auto news = news_of(stream, to);
    if (!news) return begun ? false : end_early(request, to);
    const RequestError failure{500, news->failure, "", ""};
    if (!failure.message.empty() && !begun) return reply(failure, request, to);
    answer.add(*news);
    if ((!begun && !to.begin_events(request)) || !send(answer.events())) {
      give_up(stream);
      return false;
    }
    begun = true;
    ended = news->ended;
    if (failure.message.empty()) continue;
    ++counts_.errors;
    send({json_text(error_response(failure))});
    return false;
  }
  return send(answer.closing_events()) && to.end_events() && request.keep_alive();
}

}  // namespace strop::trainer
