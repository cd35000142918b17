// What is answered to a request: who may ask, which path, and the completions.
//
// Owns the engine; the model must outlive it. Any thread, one request a call. Errors: a request's
// errors are its answer; an adapter that cannot be used is a message, and the old one stays in
// force.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "trainer/loaded_model.h"
#include "trainer/serve/answer.h"
#include "trainer/serve/completion_request.h"
#include "trainer/serve/connection.h"
#include "trainer/serve/counts.h"
#include "trainer/serve/engine.h"

namespace strop::trainer {

struct ServiceOptions {
  std::string token;             // demanded as "Authorization: Bearer TOKEN"; empty: none
  std::int64_t context = 0;      // tokens of prompt and completion; 0: the model's positions
  std::size_t cache_bytes = 0;   // of keys and values that are kept
  std::size_t batch_bytes = 0;   // of keys and values that what is computed may grow to
  std::size_t max_waiting = 32;  // requests beside those that are computed
};

class Service {
 public:
  // Throws std::invalid_argument for a context that the model has not.
  Service(LoadedModel& model, ServiceOptions options, const std::atomic<bool>& stopping);

  // False: the connection is of no more use.
  bool answer(const HttpRequest& request, Connection& to);
  bool refuse(const RequestError& error, Connection& to);

  // Whether only this machine's names are a Host. Before the first request.
  void set_local(bool local) { local_ = local; }

  // Requests from now on get the adapter of this folder, or the base alone for none; gives the
  // name of the model. Those that came before end as they began.
  tl::expected<std::string, std::string> use_adapter(const std::string& folder);

 private:
  std::optional<RequestError> intruder(const HttpRequest& request) const;
  bool reply(int status, const nlohmann::json& body, const HttpRequest& request, Connection& to);
  bool reply(const RequestError& error, const HttpRequest& request, Connection& to);
  bool complete(Api api, const HttpRequest& request, Connection& to);
  BatchJob job_of(const CompletionRequest& request);
  bool send_whole(Answer& answer, AnswerStream& stream, const HttpRequest& request, Connection& to);
  bool send_events(Answer& answer, AnswerStream& stream, const HttpRequest& request,
                   Connection& to);
  // Nothing: the client hung up or the server is ending.
  std::optional<AnswerStream::News> news_of(AnswerStream& stream, Connection& to);
  void give_up(AnswerStream& stream);
  bool end_early(const HttpRequest& request, Connection& to);

  LoadedModel& model_;
  ServiceOptions options_;
  bool local_ = true;
  const std::atomic<bool>& stopping_;
  const std::int64_t started_;
  std::atomic<std::uint64_t> served_{0};
  Counts counts_;
  std::mutex encoding_;  // the tokenizer's encode is one thread's
  Engine engine_;
};

}  // namespace strop::trainer
