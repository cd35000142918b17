#include "schema/event.h"

#include <array>
#include <stdexcept>
#include <utility>

namespace strop::schema {
namespace {

using nlohmann::json;

template <class Enum, std::size_t N>
using Words = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Words<Source, 3> kSources{
    {{Source::kInline, "inline"}, {Source::kPopup, "popup"}, {Source::kEdit, "edit"}}};
constexpr Words<Presence, 2> kPresences{
    {{Presence::kRendered, "rendered"}, {Presence::kPresumed, "presumed"}}};
constexpr Words<OutcomeKind, 7> kOutcomes{{{OutcomeKind::kAccepted, "accepted"},
                                           {OutcomeKind::kPartial, "partial"},
                                           {OutcomeKind::kTypedThrough, "typed_through"},
                                           {OutcomeKind::kDismissed, "dismissed"},
                                           {OutcomeKind::kIgnored, "ignored"},
                                           {OutcomeKind::kUnseen, "unseen"},
                                           {OutcomeKind::kUnknown, "unknown"}}};
constexpr Words<How, 8> kHows{{{How::kNone, ""},
                               {How::kExplicit, "explicit"},
                               {How::kTypedOver, "typed_over"},
                               {How::kDeleted, "deleted"},
                               {How::kMovedAway, "moved_away"},
                               {How::kSuperseded, "superseded"},
                               {How::kClosed, "closed"},
                               {How::kSibling, "sibling"}}};
constexpr Words<Evidence, 4> kEvidences{{{Evidence::kCommand, "command"},
                                         {Evidence::kEditor, "editor"},
                                         {Evidence::kState, "state"},
                                         {Evidence::kTimeout, "timeout"}}};
constexpr Words<PromptKind, 2> kPrompts{
    {{PromptKind::kExact, "exact"}, {PromptKind::kRebuilt, "rebuilt"}}};

template <class Enum, std::size_t N>
std::string_view word_of(const Words<Enum, N>& words, Enum value) {
  for (const auto& [candidate, word] : words)
    if (candidate == value) return word;
  return "";
}

// Reading throws inside this file alone; event_from_json turns it into the returned message.
template <class Enum, std::size_t N>
Enum value_of(const Words<Enum, N>& words, const json& object, const char* field) {
  const auto& word = object.at(field).get_ref<const std::string&>();
  for (const auto& [value, candidate] : words)
    if (candidate == word) return value;
  throw std::runtime_error(std::string("field '") + field + "' has the unknown value '" + word +
                           "'");
}

// nlohmann's own conversion cuts off, wraps, and is undefined for what is too large.
template <class T>
T integer(const json& object, const char* field, const json& absent = nullptr) {
  const json value = object.value(field, absent);
  const bool fits = value.is_number_unsigned()
                        ? std::in_range<T>(value.get<std::uint64_t>())
                        : value.is_number_integer() && std::in_range<T>(value.get<std::int64_t>());
  if (!fits) throw std::runtime_error(std::string("field '") + field + "' is no integer in range");
  return value.get<T>();
}

std::map<std::string, int> integers(const json& object, const char* field) {
  if (!object.is_object())
    throw std::runtime_error(std::string("field '") + field + "' must be an object");
  std::map<std::string, int> out;
  for (const auto& [name, value] : object.items()) out[name] = integer<int>(object, name.c_str());
  return out;
}

template <class T>
std::optional<T> optional_field(const json& object, const char* field) {
  auto found = object.find(field);
  if (found == object.end() || found->is_null()) return std::nullopt;
  return found->get<T>();
}

template <class T>
void put_optional(json& object, const char* field, const std::optional<T>& value) {
  if (value) object[field] = *value;
}

json position_json(const TextPosition& p) { return {{"line", p.line}, {"character", p.character}}; }

void write(json& out, const Offered& offered) {
  out["position"] = position_json(offered.position);
  json candidates = json::array();
  for (const Candidate& candidate : offered.candidates) {
    json item{{"text", candidate.text}, {"replaces", candidate.replaces}, {"rank", candidate.rank}};
    put_optional(item, "logprob", candidate.logprob);
    put_optional(item, "propensity", candidate.propensity);
    candidates.push_back(std::move(item));
  }
  out["candidates"] = std::move(candidates);
  out["prefix"] = offered.prefix;
  out["suffix"] = offered.suffix;
  out["prompt"] = to_word(offered.prompt);
  put_optional(out, "prompt_hash", offered.prompt_hash);
  out["model"] = offered.model;
  put_optional(out, "arm", offered.arm);
  put_optional(out, "propensity", offered.propensity);
  out["latency_ms"] = offered.latency_ms;
}

void write(json& out, const Shown& shown) { out["presence"] = to_word(shown.presence); }

void write(json& out, const Outcome& outcome) {
  out["outcome"] = to_word(outcome.outcome);
  if (outcome.how != How::kNone) out["how"] = to_word(outcome.how);
  out["evidence"] = to_word(outcome.evidence);
  out["confidence"] = outcome.confidence;
  out["candidate"] = outcome.candidate;
  out["text"] = outcome.text;
  out["accepted_chars"] = outcome.accepted_chars;
  out["display_ms"] = outcome.display_ms;
  put_optional(out, "corrects", outcome.corrects);
}

void write(json& out, const Settled& settled) {
  out["after_ms"] = settled.after_ms;
  out["final"] = settled.final;
  out["text"] = settled.text;
  out["kept_chars"] = settled.kept_chars;
  out["token_edits"] = settled.token_edits;
  out["flags"] = settled.flags;
  out["diagnostics"] = {{"before", settled.diagnostics_before},
                        {"after", settled.diagnostics_after}};
}

void write(json& out, const Rated& rated) {
  out["dimensions"] = rated.dimensions;
  out["reason"] = rated.reason;
}

void write(json& out, const Gap& gap) {
  out["seq"] = {gap.first_seq, gap.last_seq};
  out["reason"] = gap.reason;
}

Offered read_offered(const json& in) {
  Offered out;
  const json& position = in.at("position");
  out.position = {integer<std::uint32_t>(position, "line"),
                  integer<std::uint32_t>(position, "character")};
  for (const json& item : in.at("candidates"))
    out.candidates.push_back({item.at("text").get<std::string>(), item.value("replaces", ""),
                              integer<int>(item, "rank", 0),
                              optional_field<double>(item, "logprob"),
                              optional_field<double>(item, "propensity")});
  out.prefix = in.value("prefix", "");
  out.suffix = in.value("suffix", "");
  out.prompt = value_of(kPrompts, in, "prompt");
  out.prompt_hash = optional_field<std::string>(in, "prompt_hash");
  out.model = in.value("model", "");
  out.arm = optional_field<std::string>(in, "arm");
  out.propensity = optional_field<double>(in, "propensity");
  out.latency_ms = in.value("latency_ms", 0.0);
  return out;
}

Outcome read_outcome(const json& in) {
  Outcome out;
  out.outcome = value_of(kOutcomes, in, "outcome");
  out.how = in.contains("how") ? value_of(kHows, in, "how") : How::kNone;
  out.evidence = value_of(kEvidences, in, "evidence");
  out.confidence = in.at("confidence").get<double>();
  out.candidate = integer<int>(in, "candidate", 0);
  out.text = in.value("text", "");
  out.accepted_chars = integer<std::int64_t>(in, "accepted_chars", 0);
  out.display_ms = in.value("display_ms", 0.0);
  out.corrects = optional_field<std::string>(in, "corrects");
  return out;
}

Settled read_settled(const json& in) {
  Settled out;
  out.after_ms = in.at("after_ms").get<double>();
  out.final = in.at("final").get<bool>();
  out.text = in.value("text", "");
  out.kept_chars = integer<std::int64_t>(in, "kept_chars", 0);
  out.token_edits = integer<std::int64_t>(in, "token_edits", 0);
  out.flags = in.value("flags", std::vector<std::string>{});
  if (auto found = in.find("diagnostics"); found != in.end()) {
    out.diagnostics_before = integers(found->value("before", json::object()), "before");
    out.diagnostics_after = integers(found->value("after", json::object()), "after");
  }
  return out;
}

Gap read_gap(const json& in) {
  const json& seq = in.at("seq");
  const auto number = [&seq](std::size_t at) {
    return integer<std::uint64_t>({{"seq", seq.at(at)}}, "seq");
  };
  return {number(0), number(1), in.value("reason", "")};
}

Event read_event(const json& in) {
  if (integer<int>(in, "v") != kEventVersion)
    throw std::runtime_error("version " + in.at("v").dump() + " is not one this build reads (1)");
  Event out;
  out.suggestion = in.value("suggestion", "");
  out.t_ms = in.at("t_ms").get<double>();
  out.uri = in.value("uri", "");
  out.language = in.value("language", "");
  out.server = in.value("server", "");
  out.source = value_of(kSources, in, "source");
  out.dialect = in.value("dialect", "");
  out.repo = optional_field<std::string>(in, "repo");
  out.commit = optional_field<std::string>(in, "commit");
  out.path = optional_field<std::string>(in, "path");
  const auto& type = in.at("type").get_ref<const std::string&>();
  if (type == "offered")
    out.body = read_offered(in);
  else if (type == "shown")
    out.body = Shown{value_of(kPresences, in, "presence")};
  else if (type == "outcome")
    out.body = read_outcome(in);
  else if (type == "settled")
    out.body = read_settled(in);
  else if (type == "rated")
    out.body = Rated{integers(in.at("dimensions"), "dimensions"), in.value("reason", "")};
  else if (type == "gap")
    out.body = read_gap(in);
  else
    throw std::runtime_error("type '" + type + "' is unknown");
  return out;
}

}  // namespace

std::string_view to_word(Source value) { return word_of(kSources, value); }
std::string_view to_word(Presence value) { return word_of(kPresences, value); }
std::string_view to_word(OutcomeKind value) { return word_of(kOutcomes, value); }
std::string_view to_word(How value) { return word_of(kHows, value); }
std::string_view to_word(Evidence value) { return word_of(kEvidences, value); }
std::string_view to_word(PromptKind value) { return word_of(kPrompts, value); }

std::string_view type_name(const Event& event) {
  static constexpr std::array<std::string_view, 6> kNames{"offered", "shown", "outcome",
                                                          "settled", "rated", "gap"};
  return kNames[event.body.index()];
}

nlohmann::json event_to_json(const Event& event) {
  json out{{"v", kEventVersion},
           {"type", type_name(event)},
           {"suggestion", event.suggestion},
           {"t_ms", event.t_ms},
           {"uri", event.uri},
           {"language", event.language},
           {"server", event.server},
           {"source", to_word(event.source)},
           {"dialect", event.dialect}};
  put_optional(out, "repo", event.repo);
  put_optional(out, "commit", event.commit);
  put_optional(out, "path", event.path);
  std::visit([&out](const auto& body) { write(out, body); }, event.body);
  return out;
}

tl::expected<Event, std::string> event_from_json(const nlohmann::json& in) {
  try {
    return read_event(in);
  } catch (const std::exception& error) {
    return tl::unexpected(std::string("not an event: ") + error.what());
  }
}

}  // namespace strop::schema
