// A little language to tell the tracker what an editor does, and to ask what it made of it.
//
//   open("int x = |;"); offer("42"); wait_ms(600); tab(); expect(accepted("42"));
//
// Plays client and server on the wire. One document, one cursor, virtual time. Offsets are bytes of
// UTF-8; its own view of the text shares no code with the product.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/suggestion_tracker.h"

namespace strop::agent::test {

using nlohmann::json;
using schema::Event;
using schema::Evidence;
using schema::How;
using schema::Offered;
using schema::Outcome;
using schema::OutcomeKind;
using schema::Settled;
using schema::Shown;

class TrackerTest : public testing::Test {
 protected:
  enum class Counts { kUtf16, kUtf8 };

  // ---- the session

  void begin_session(Counts counts = Counts::kUtf16, bool full_sync = false,
                     TrackerOptions options = {}) {
    tracker.emplace(std::move(options));
    counts_ = counts;
    full_sync_ = full_sync;
    client({{"id", 0}, {"method", "initialize"}, {"params", json::object()}});
    server({{"id", 0},
            {"result",
             {{"serverInfo", {{"name", "scripted"}}},
              {"capabilities",
               {{"positionEncoding", counts == Counts::kUtf8 ? "utf-8" : "utf-16"}}}}}});
  }

  // `text` has the cursor as "|".
  void open(std::string with_cursor, const std::string& language = "cpp") {
    if (!tracker) begin_session();
    cursor = with_cursor.find('|');
    with_cursor.erase(cursor, 1);
    text = std::move(with_cursor);
    client({{"method", "textDocument/didOpen"},
            {"params",
             {{"textDocument",
               {{"uri", uri}, {"languageId", language}, {"version", 1}, {"text", text}}}}}});
  }
  void close() { tell("textDocument/didClose", {{"textDocument", {{"uri", uri}}}}); }
  void save() { tell("textDocument/didSave", {{"textDocument", {{"uri", uri}}}}); }
  void end_session() {
    client({{"id", "bye"}, {"method", "shutdown"}});
    take(tracker->finish(now));
  }
  // The server or the agent is killed.
  void crash() { take(tracker->finish(now)); }
  void wait_ms(double ms) {
    now += ms;
    take(tracker->on_time(now));
  }

  // ---- typing

  struct Change {
    std::size_t begin;
    std::size_t end;
    std::string with;
  };
  void change(const std::vector<Change>& changes) {
    json sent = json::array();
    for (const Change& one : changes) {
      sent.push_back({{"range", {{"start", position(one.begin)}, {"end", position(one.end)}}},
                      {"text", one.with}});
      text.replace(one.begin, one.end - one.begin, one.with);
      cursor = one.begin + one.with.size();
    }
    if (full_sync_) sent = json::array({{{"text", text}}});
    tell("textDocument/didChange",
         {{"textDocument", {{"uri", uri}, {"version", ++version_}}}, {"contentChanges", sent}});
  }
  void edit(std::size_t begin, std::size_t end, const std::string& with) {
    change({{begin, end, with}});
  }
  // One key press after another, 100 ms each.
  void type(const std::string& keys) {
    for (std::size_t at = 0; at < keys.size();) {
      std::size_t size = 1;
      while (at + size < keys.size() && (keys[at + size] & 0xc0) == 0x80) ++size;
      wait_ms(100);
      insert(keys.substr(at, size));
      at += size;
    }
  }
  void insert(const std::string& with) { edit(cursor, cursor, with); }
  void backspace(int times = 1) {
    for (; times > 0; --times) {
      wait_ms(50);
      edit(cursor - 1, cursor, "");
    }
  }
  // At a place named by what stands there, the cursor stays with the text it was at.
  void edit_elsewhere(const std::string& what, const std::string& with) {
    const std::size_t begin = text.find(what);
    ASSERT_NE(begin, std::string::npos);
    const std::size_t before = cursor;
    edit(begin, begin + what.size(), with);
    cursor = begin < before ? before - what.size() + with.size() : before;
  }

  // ---- inline suggestions

  struct Item {
    std::string text;
    std::size_t replaces = 0;  // bytes before the cursor
    json command;
  };
  int ask() {
    const int id = ++last_id_;
    asked_at_ = cursor;
    client({{"id", id},
            {"method", "textDocument/inlineCompletion"},
            {"params",
             {{"textDocument", {{"uri", uri}}},
              {"position", position(cursor)},
              {"context", {{"triggerKind", 2}}}}}});
    asked_position_ = position(cursor);
    return id;
  }
  void answer(int id, const std::vector<Item>& items) {
    json sent = json::array();
    for (const Item& item : items) {
      json one{{"insertText", item.text}};
      if (item.replaces > 0) {
        json start = asked_position_;
        start["character"] = start["character"].get<std::size_t>() - item.replaces;
        one["range"] = {{"start", start}, {"end", asked_position_}};
      }
      if (!item.command.is_null()) one["command"] = item.command;
      sent.push_back(one);
    }
    server({{"id", id}, {"result", {{"items", sent}}}});
    items_ = items;
    begin_ = asked_at_;
  }
  void offer(const std::string& with) { offer_items({{with, 0, {}}}); }
  void offer_items(const std::vector<Item>& items) { answer(ask(), items); }

  // Applies an item of the last answer as VS Code does.
  void tab(std::size_t item = 0) {
    apply(item);
    if (!items_[item].command.is_null())
      client({{"id", ++last_id_},
              {"method", "workspace/executeCommand"},
              {"params", items_[item].command}});
  }
  void apply(std::size_t item = 0) {
    edit(begin_ - items_[item].replaces, cursor, items_[item].text);
  }
  static json command(int n) {
    return {{"title", "t"}, {"command", "server.accepted"}, {"arguments", {n}}};
  }

  // ---- popup lists

  void offer_list(const json& items, const json& defaults = nullptr) {
    const int id = ++last_id_;
    client({{"id", id},
            {"method", "textDocument/completion"},
            {"params", {{"textDocument", {{"uri", uri}}}, {"position", position(cursor)}}}});
    json result{{"isIncomplete", false}, {"items", items}};
    if (!defaults.is_null()) result["itemDefaults"] = defaults;
    server({{"id", id}, {"result", result}});
  }
  json range(std::size_t begin, std::size_t end) const {
    return {{"start", position(begin)}, {"end", position(end)}};
  }

  // ---- messages

  void tell(const std::string& method, const json& params) {
    client({{"method", method}, {"params", params}});
  }
  void client(json message) { send(Direction::kClientToServer, std::move(message)); }
  void server(json message) { send(Direction::kServerToClient, std::move(message)); }
  void send(Direction direction, json message) {
    message["jsonrpc"] = "2.0";
    take(tracker->on_message(direction, message.dump(), now));
    EXPECT_GT(tracker->next_deadline().value_or(now + 1), now) << "what was due is done";
  }
  void take(std::vector<Event> more) {
    for (Event& event : more) events.push_back(std::move(event));
  }

  json position(std::size_t offset) const {
    std::size_t line = 0;
    std::size_t character = 0;
    for (std::size_t i = 0; i < offset; ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte == '\n') {
        ++line;
        character = 0;
      } else if (counts_ == Counts::kUtf8) {
        ++character;
      } else if ((byte & 0xc0U) != 0x80U) {
        character += byte >= 0xf0U ? 2 : 1;
      }
    }
    return {{"line", line}, {"character", character}};
  }

  // ---- what came of it

  template <class Body>
  std::vector<Body> all(const std::string& suggestion = "") const {
    std::vector<Body> out;
    for (const Event& event : events)
      if (const auto* body = std::get_if<Body>(&event.body);
          body != nullptr && (suggestion.empty() || event.suggestion == suggestion))
        out.push_back(*body);
    return out;
  }
  // In words, one a suggestion, in the order of the verdicts: "accepted/command 'text'".
  std::vector<std::string> outcomes() const {
    std::vector<std::string> out;
    for (const Outcome& outcome : all<Outcome>()) out.push_back(in_words(outcome));
    return out;
  }
  static std::string in_words(const Outcome& outcome) {
    std::string out(to_word(outcome.outcome));
    if (outcome.how != How::kNone) out += "/" + std::string(to_word(outcome.how));
    if (outcome.outcome == OutcomeKind::kAccepted || outcome.outcome == OutcomeKind::kPartial ||
        outcome.outcome == OutcomeKind::kTypedThrough)
      out += " by " + std::string(to_word(outcome.evidence)) + " '" + outcome.text + "'";
    if (outcome.corrects) out += " instead of " + *outcome.corrects;
    return out;
  }
  // Waits until nothing is pending, and compares all outcomes so far.
  template <class... Words>
  void expect(const Words&... words) {
    wait_ms(5'000);
    EXPECT_THAT(outcomes(), testing::ElementsAre(std::string(words)...));
  }
  // The same in any order: verdicts come when they are sure, not when they fell.
  template <class... Words>
  void expect_in_any_order(const Words&... words) {
    wait_ms(5'000);
    EXPECT_THAT(outcomes(), testing::UnorderedElementsAre(std::string(words)...));
  }
  Settled settled() const {
    const auto states = all<Settled>();
    EXPECT_FALSE(states.empty());
    return states.empty() ? Settled{} : states.back();
  }

  std::optional<SuggestionTracker> tracker;
  std::vector<Event> events;
  std::string uri = "file:///src/file.cpp";
  std::string text;
  std::size_t cursor = 0;
  double now = 1'000;

 private:
  Counts counts_ = Counts::kUtf16;
  bool full_sync_ = false;
  int version_ = 1;
  int last_id_ = 0;
  std::size_t asked_at_ = 0;
  json asked_position_;
  std::vector<Item> items_;
  std::size_t begin_ = 0;
};

}  // namespace strop::agent::test
