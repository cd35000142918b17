// Records at the collector's door: any bytes become an event or a dead letter, and JSON is read as
// the value's own reader has it.
#include <nlohmann/json.hpp>

#include "collector/read_json.h"
#include "collector/scrub.h"
#include "collector/validate.h"
#include "driver.h"

namespace {

using nlohmann::json;
using namespace strop::collector;
using strop::fuzz::require;
using strop::schema::RejectCode;

// Integers beyond 64 bits alone are no JSON to the one, and rounded by the other.
bool has_large_integer(std::string_view text) {
  std::size_t digits = 0;
  for (const char c : text) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > 18) return true;
  }
  return false;
}

void check_reading(std::string_view text) {
  const auto read = read_json(text);
  const json own = json::parse(text, nullptr, false);
  // The value's own reader takes a NUL for the end of the text.
  if (text.find('\0') != std::string_view::npos) return;
  if (!read) {
    require(own.is_discarded() || read.error() == RejectCode::kTooDeep || has_large_integer(text),
            "what one reader takes the other takes");
    return;
  }
  require(!own.is_discarded(), "what is read is JSON");
  require(has_large_integer(text) || *read == own, "both readers read the same");
}

std::uint64_t run(std::string_view text) {
  check_reading(text);
  const Validated out = validate({1, std::string(text)}, 5, scrub_event);
  const Entry& entry = out.entry;
  require(entry.seq == 5 && entry.span == 1 && entry.hash.size() == 16, "it keeps its name");
  if (entry.rejected) {
    require(!entry.reason.empty(), "a dead letter says why");
    return 1 + static_cast<std::uint64_t>(*entry.rejected);
  }
  require(!entry.type.empty() && !json::parse(entry.payload, nullptr, false).is_discarded(),
          "an event is kept as JSON");
  const Validated again = validate({1, entry.payload}, 5, scrub_event);
  require(!again.entry.rejected && again.secrets == 0 && again.entry.payload == entry.payload,
          "what is kept is clean and is taken again");
  return strop::fuzz::hash_of(entry.type) | 1;
}

}  // namespace

int main(int argc, char** argv) {
  return strop::fuzz::drive(
      {.run = run,
       .words = {R"("v":1)",
                 R"("type":"shown")",
                 R"("type":"gap")",
                 R"("seq":[5,5])",
                 "[",
                 "]",
                 "{",
                 "}",
                 ",",
                 ":",
                 "\"",
                 "-0",
                 "1e5",
                 "0.1",
                 "18446744073709551615",
                 "null",
                 "true",
                 "\\ud83d\\ude00",
                 "\\ud800",
                 "\\u0000",
                 "\xc3\xa4",
                 "\xff",
                 "\"token = " + std::string("ghp_") + "16C7e42F292c6912E7710c838347Ae178B4a\""},
       .max_size = 8192},
      argc, argv);
}
