#include "agent/privacy/outgoing.h"

#include <algorithm>

#include "schema/secrets.h"

namespace strop::agent {
namespace {

using nlohmann::json;

// Every text of the record.
template <class Scrub>
void scrub(json& value, const Scrub& scrubbed) {
  if (value.is_string())
    value = scrubbed(value.get_ref<const std::string&>());
  else if (value.is_structured())
    for (json& part : value) scrub(part, scrubbed);
}

// The fields that EventScrubber has looked at.
bool is_of_body(const std::string& field) {
  return field == "candidates" || field == "prefix" || field == "suffix" || field == "text" ||
         field == "reason";
}

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

schema::Event without_texts(schema::Event event) {
  event.uri.clear();
  event.repo.reset();
  event.commit.reset();
  event.path.reset();
  if (auto* offered = std::get_if<schema::Offered>(&event.body)) {
    offered->position = {};
    for (schema::Candidate& candidate : offered->candidates) {
      candidate.text.clear();
      candidate.replaces.clear();
    }
    offered->prefix.clear();
    offered->suffix.clear();
    offered->prompt_hash.reset();
  } else if (auto* outcome = std::get_if<schema::Outcome>(&event.body)) {
    outcome->text.clear();
  } else if (auto* settled = std::get_if<schema::Settled>(&event.body)) {
    settled->text.clear();
  } else if (auto* rated = std::get_if<schema::Rated>(&event.body)) {
    rated->reason.clear();
  }
  return event;
}

void add_facts(json& record, const schema::Event& event) {
  record["secret_rules"] = schema::kSecretRulesVersion;
  if (const auto* offered = std::get_if<schema::Offered>(&event.body))
    for (std::size_t i = 0; i < offered->candidates.size(); ++i)
      record["candidates"][i]["chars"] = characters(offered->candidates[i].text);
}

}  // namespace

json whole_record(const schema::Event& event, EventScrubber& scrubber) {
  json record = schema::event_to_json(scrubber.scrubbed(event));
  for (const auto& [field, value] : record.items())
    if (!is_of_body(field))
      scrub(value, [&](const std::string& text) { return scrubber.scrubbed(text); });
  // Ours, and no secrets even where a long hash looks like one.
  if (event.repo) record["repo"] = *event.repo;
  if (event.commit) record["commit"] = *event.commit;
  if (const auto* offered = std::get_if<schema::Offered>(&event.body); offered != nullptr)
    if (offered->prompt_hash) record["prompt_hash"] = *offered->prompt_hash;
  add_facts(record, event);
  return record;
}

json counts_record(const schema::Event& event, const std::string& uri) {
  json record = schema::event_to_json(without_texts(event));
  scrub(record, [](const std::string& text) { return schema::scrub_secrets(text); });
  record["uri"] = uri;
  add_facts(record, event);
  return record;
}

json nameless_record(const schema::Event& event, const std::string& uri) {
  schema::Event bare = without_texts(event);
  bare.server.clear();
  bare.language.clear();
  bare.dialect.clear();
  if (auto* offered = std::get_if<schema::Offered>(&bare.body)) {
    offered->model.clear();
    offered->arm.reset();
  } else if (auto* rated = std::get_if<schema::Rated>(&bare.body)) {
    rated->dimensions.clear();
  }
  json record = schema::event_to_json(bare);
  record["uri"] = uri;
  add_facts(record, event);
  return record;
}

}  // namespace strop::agent
