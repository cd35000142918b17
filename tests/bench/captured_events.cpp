#include "bench/captured_events.h"

#include <algorithm>

#include "bench/source_code.h"
#include "schema/event.h"

namespace strop::bench {
namespace {

// From one event's place in the code to the next: 512 events come from all over the project's
// sources, not from the first of its files.
constexpr std::size_t kStride = 997;

// Two thirds of the context stand before the cursor, as in what agents send.
std::string captured_event(const std::string& code, std::size_t at, std::size_t context,
                           std::size_t number) {
  schema::Event event;
  event.suggestion = "s" + std::to_string(number);
  event.t_ms = 1.7e12 + static_cast<double>(number);
  event.uri = "file:///w/file" + std::to_string(number % 50) + ".cpp";
  event.language = "cpp";
  event.server = "strop";
  event.source = schema::Source::kInline;
  event.dialect = "lsp-inline";
  schema::Offered offered;
  offered.prefix = code.substr(at, context * 2 / 3);
  offered.suffix = code.substr(at + context * 2 / 3 + 40, context / 3);
  offered.candidates = {{code.substr(at + context * 2 / 3, 40), "", 0, {}}};
  offered.model = "strop-tiny";
  event.body = std::move(offered);
  return schema::event_to_json(event).dump();
}

}  // namespace

std::vector<std::string> captured_events(std::size_t count, std::size_t bytes) {
  const std::string code = source_code(count * kStride + bytes + 100);
  const std::size_t bare = captured_event(code, 0, 0, count).size();
  const std::size_t context = bytes - std::min(bytes, bare);
  std::vector<std::string> events;
  for (std::size_t i = 0; i < count; ++i) {
    // Quotes and line breaks take two bytes of JSON: a second try meets the size.
    std::size_t fitting = context;
    for (int i_try = 0; i_try < 2; ++i_try) {
      const std::size_t size = captured_event(code, i * kStride, fitting, i).size();
      fitting = fitting * context / std::max<std::size_t>(size - bare, 1);
    }
    events.push_back(captured_event(code, i * kStride, fitting, i));
  }
  return events;
}

}  // namespace strop::bench
