#include "agent/control.h"

#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "agent/dialects/json_text.h"
#include "agent/inspector.h"
#include "agent/rewrite.h"

namespace strop::agent {
namespace {

using nlohmann::json;

constexpr int kProtocol = 1;

const char* word_of(Captured captured) {
  switch (captured) {
    case Captured::kFull:
      return "full";
    case Captured::kCounts:
      return "counts";
    case Captured::kNothing:
      return "nothing";
  }
  return "nothing";
}

json provider_json(const std::optional<Completer>& completer) {
  if (!completer) return nullptr;
  json provider = {{"name", completer->name}, {"url", completer->url}};
  if (!completer->model.empty()) provider["model"] = completer->model;
  if (completer->arm) provider["arm"] = *completer->arm;
  return provider;
}

std::string uri_in(std::string_view body) {
  const json message = json::parse(body, nullptr, false);
  return text_of(field_of(message, "params"), "uri");
}

}  // namespace

Control::Control(ControlFacts facts, Ruling ruling, WhoCompletes who_completes,
                 std::function<void()> look_again)
    : facts_(std::move(facts)),
      ruling_(std::move(ruling)),
      who_completes_(std::move(who_completes)),
      look_again_(std::move(look_again)) {}

std::string Control::answer(std::string_view method, std::string_view id,
                            std::string_view body) const {
  if (method == "strop/status") return status(id, body);
  const bool pausing = method == "strop/pause";
  if (!pausing && method != "strop/resume")
    return error_answer(id, kMethodNotFound, "strop-agent knows no " + std::string(method));
  std::ostringstream out;
  std::ostringstream err;
  const int code = pausing ? pause(facts_.state, out, err) : resume(facts_.state, out, err);
  if (code != 0) return error_answer(id, kRequestFailed, err.str());
  look_again_();
  return status(id, body);
}

std::string Control::status(std::string_view id, std::string_view body) const {
  const std::string uri = uri_in(body);
  const CaptureRuling ruling = ruling_(uri);
  const json status = {{"protocol", kProtocol},
                       {"version", STROP_VERSION},
                       {"mode", to_word(facts_.mode)},
                       {"paused", is_paused(facts_.state)},
                       {"capturing", word_of(ruling.captured)},
                       {"rule", ruling.rule},
                       {"provider", provider_json(who_completes_(uri))}};
  return result_answer(id, status.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace strop::agent
