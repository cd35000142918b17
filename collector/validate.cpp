#include "collector/validate.h"

#include <sodium.h>

#include "collector/read_json.h"
#include "schema/event.h"

namespace strop::collector {
namespace {

constexpr std::string_view kForgotten = "forgotten";  // of a gap: the developer wished it

using schema::RejectCode;

constexpr std::size_t kHashBytes = 16;

// Of the span too: the same text for more numbers is another record.
std::string hash_of(const schema::Record& record) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, kHashBytes);
  unsigned char span[4];
  for (int i = 0; i < 4; ++i) span[i] = static_cast<unsigned char>(record.span >> (8 * i));
  crypto_generichash_update(&state, span, sizeof(span));
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(record.payload.data()),
                            record.payload.size());
  std::string out(kHashBytes, '\0');
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(out.data()), out.size());
  return out;
}

void reject(Entry& entry, RejectCode code, std::string reason) {
  entry.rejected = code;
  entry.reason = std::move(reason);
}

// A gap stands for exactly its `seq`, anything else for one number.
bool span_is_borne_out(const schema::Event& event, const Entry& entry) {
  const auto* gap = std::get_if<schema::Gap>(&event.body);
  if (gap == nullptr) return entry.span == 1;
  return gap->first_seq == entry.seq && gap->last_seq >= gap->first_seq &&
         gap->last_seq - gap->first_seq == entry.span - 1;
}

std::string reason_of(RejectCode code) {
  switch (code) {
    case RejectCode::kBadUtf8:
      return "not UTF-8";
    case RejectCode::kTooDeep:
      return "nested deeper than " + std::to_string(kMaxJsonDepth);
    default:
      return "not JSON";
  }
}

// Fills what the store keeps beside the payload, or rejects.
void read_event(const nlohmann::json& json, Entry& entry) {
  const auto event = schema::event_from_json(json);
  if (!event) return reject(entry, RejectCode::kBadEvent, event.error());
  if (!span_is_borne_out(*event, entry))
    return reject(entry, RejectCode::kBadSpan,
                  "the record stands for " + std::to_string(entry.span) +
                      " sequence numbers, its event does not");
  entry.type = schema::type_name(*event);
  const auto* gap = std::get_if<schema::Gap>(&event->body);
  entry.gap = gap != nullptr;
  entry.erases = gap != nullptr && gap->reason == kForgotten;
  entry.suggestion = event->suggestion;
  entry.t_ms = event->t_ms;
}

}  // namespace

Validated validate(const schema::Record& record, std::uint64_t seq, const Scrub& scrub) {
  Validated out;
  Entry& entry = out.entry;
  entry.seq = seq;
  entry.span = record.span;
  entry.hash = hash_of(record);
  if (record.payload.size() > schema::kMaxRecordBytes) {
    reject(entry, RejectCode::kTooLarge,
           std::to_string(record.payload.size()) + " bytes, above " +
               std::to_string(schema::kMaxRecordBytes));
    return out;
  }
  auto json = read_json(record.payload);
  if (!json) {
    reject(entry, json.error(), reason_of(json.error()));
    return out;
  }
  const auto secrets = scrub(*json);
  if (!secrets) {
    reject(entry, RejectCode::kScrubFailed, secrets.error());
    return out;
  }
  out.secrets = *secrets;
  // Kept as it came unless something had to go, so that both ends show the same bytes.
  entry.payload = *secrets == 0 ? record.payload : json->dump();
  read_event(*json, entry);
  return out;
}

}  // namespace strop::collector
