// Events: whatever is accepted says what the JSON said, and is read back as it is written.
//
// But for numbers that are no integer of their field's range: those are not refused, they come out
// cut off or wrapped.
#include "schema/event.h"

#include <nlohmann/json.hpp>

#include "driver.h"

namespace {

using nlohmann::json;
using namespace strop::schema;
using strop::fuzz::require;

// That no value became another on the way: all that stands in both is equal. Fields that only one
// has are unknown ones, optional ones that are null, and defaults.
void check_same(const json& in, const json& out, const std::string& place) {
  if (in.is_null()) return;
  if (in.is_object() && out.is_object()) {
    for (const auto& [key, value] : out.items())
      if (const auto found = in.find(key); found != in.end())
        check_same(*found, value, place + '/' + key);
    return;
  }
  if (in.is_array() && out.is_array() && in.size() >= out.size()) {
    for (std::size_t i = 0; i < out.size(); ++i)
      check_same(in[i], out[i], place + '/' + std::to_string(i));
    return;
  }
  require(in == out, "as it was: " + place + ": " + in.dump().substr(0, 80) + " became " +
                         out.dump().substr(0, 80));
}

std::uint64_t run(std::string_view text) {
  const json in = json::parse(text, nullptr, false);
  if (in.is_discarded()) return 0;
  const auto event = event_from_json(in);
  if (!event) {
    require(event.error().starts_with("not an event: "), "an error says what is wrong");
    // Which field it is about: its first words tell more than enough kinds apart.
    return strop::fuzz::hash_of(event.error().substr(0, 72)) | 1;
  }
  const json out = event_to_json(*event);
  check_same(in, out, "");
  require(out.at("type") == type_name(*event), "the type is the body's");
  const auto again = event_from_json(json::parse(out.dump()));
  require(again && *again == *event, "an event written is read back");
  return 2 + 2 * event->body.index();
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words;
  for (const char* type : {"offered", "shown", "outcome", "settled", "rated", "gap"})
    words.push_back(std::string(R"("type":")") + type + '"');
  for (const char* field :
       {"v",          "suggestion",  "t_ms",      "uri",         "source",     "repo",
        "position",   "line",        "character", "candidates",  "text",       "replaces",
        "rank",       "logprob",     "prompt",    "prompt_hash", "arm",        "latency_ms",
        "presence",   "how",         "evidence",  "confidence",  "candidate",  "accepted_chars",
        "display_ms", "corrects",    "after_ms",  "final",       "kept_chars", "token_edits",
        "flags",      "diagnostics", "before",    "after",       "dimensions", "reason",
        "seq",        "propensity"})
    words.push_back('"' + std::string(field) + "\":");
  for (const char* word : {"\"inline\"",
                           "\"popup\"",
                           "\"edit\"",
                           "\"rendered\"",
                           "\"presumed\"",
                           "\"typed_through\"",
                           "\"deleted\"",
                           "\"command\"",
                           "\"exact\"",
                           "\"\"",
                           "true",
                           "false",
                           "null",
                           "[]",
                           "{}",
                           "[",
                           "]",
                           "{",
                           "}",
                           ",",
                           ":",
                           "\"",
                           "-1",
                           "0.5",
                           "1e300",
                           "18446744073709551615",
                           "[1,2]",
                           "{\"error\":1}",
                           "\\u0000",
                           "\\ud83d\\ude00",
                           "\xc3\xa4"})
    words.emplace_back(word);
  return strop::fuzz::drive({.run = run, .words = std::move(words), .max_size = 8192}, argc, argv);
}
