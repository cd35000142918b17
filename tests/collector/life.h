// A suggestion's life as a small language: what was offered, what became of it, what it settled as.
//
//   Life("s1").after("return ").before("\n}").offered({"x + y;"}).accepted().settled("x - y;")
//
// Values; one thread. `events` are as the agent writes them; `history` is what the collector makes
// of them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "collector/pairs/history.h"

namespace strop::collector {

class Life {
 public:
  explicit Life(std::string id = "s1") {
    header_.suggestion = std::move(id);
    header_.t_ms = 1000;
    header_.uri = "file:///w/a.py";
    header_.language = "python";
    header_.server = "pylsp";
    header_.dialect = "lsp-inline";
    offer_.prefix = "def f(x, y):\n    return ";
    offer_.suffix = "\n";
    offer_.model = "m";
  }

  Life& in(const std::string& uri, const std::string& language = "python") {
    header_.uri = uri;
    header_.language = language;
    return *this;
  }
  Life& in_repository(const std::string& repository) {
    header_.repo = repository;
    return *this;
  }
  Life& by(const std::string& contributor) {
    contributor_ = contributor;
    return *this;
  }
  Life& from(const std::string& server, schema::Source source = schema::Source::kInline) {
    header_.server = server;
    header_.source = source;
    return *this;
  }
  Life& after(const std::string& prefix) {
    offer_.prefix = prefix;
    return *this;
  }
  Life& before(const std::string& suffix) {
    offer_.suffix = suffix;
    return *this;
  }
  Life& offered(const std::vector<std::string>& texts, const std::string& replaces = "") {
    for (const std::string& text : texts)
      offer_.candidates.push_back(
          {text, replaces, static_cast<int>(offer_.candidates.size()), std::nullopt});
    return add(offer_);
  }
  Life& accepted(int candidate = 0) {
    return outcome(schema::OutcomeKind::kAccepted, offer_.candidates.at(rank(candidate)).text,
                   candidate);
  }
  Life& partly(const std::string& text) { return outcome(schema::OutcomeKind::kPartial, text); }
  Life& typed_through(int candidate = 0) {
    return outcome(schema::OutcomeKind::kTypedThrough, offer_.candidates.at(rank(candidate)).text,
                   candidate);
  }
  Life& dismissed(schema::How how = schema::How::kTypedOver) {
    outcome(schema::OutcomeKind::kDismissed, "");
    std::get<schema::Outcome>(bodies_.back()).how = how;
    return *this;
  }
  Life& ended(schema::OutcomeKind kind) { return outcome(kind, ""); }
  // Of the outcome just told.
  Life& evidence(schema::Evidence evidence, double confidence) {
    auto& told = std::get<schema::Outcome>(bodies_.back());
    told.evidence = evidence;
    told.confidence = confidence;
    return *this;
  }
  Life& corrects(const std::string& earlier) {
    std::get<schema::Outcome>(bodies_.back()).corrects = earlier;
    return *this;
  }
  Life& settled(const std::string& text, std::vector<std::string> flags = {}, bool final = true) {
    schema::Settled state;
    state.after_ms = 300'000;
    state.final = final;
    state.text = text;
    state.flags = std::move(flags);
    return add(state);
  }
  Life& add(decltype(schema::Event::body) body) {
    bodies_.push_back(std::move(body));
    return *this;
  }

  std::vector<schema::Event> events() const {
    std::vector<schema::Event> out;
    for (const auto& body : bodies_) {
      out.push_back(header_);
      out.back().body = body;
    }
    return out;
  }

  // Names are e:1, e:2, …
  SuggestionHistory history() const {
    HistoryBuilder builder;
    int number = 0;
    for (const schema::Event& event : events())
      builder.add("e:" + std::to_string(++number), "session", contributor_,
                  schema::event_to_json(event).dump());
    return builder.take().at(0);
  }
  const std::string& contributor() const { return contributor_; }

 private:
  static std::size_t rank(int candidate) { return static_cast<std::size_t>(candidate); }

  Life& outcome(schema::OutcomeKind kind, const std::string& text, int candidate = 0) {
    schema::Outcome told;
    told.outcome = kind;
    told.evidence = schema::Evidence::kCommand;
    told.confidence = 0.99;
    told.candidate = candidate;
    told.text = text;
    return add(told);
  }

  schema::Event header_;
  schema::Offered offer_;
  std::string contributor_ = "c1";
  std::vector<decltype(schema::Event::body)> bodies_;
};

}  // namespace strop::collector
