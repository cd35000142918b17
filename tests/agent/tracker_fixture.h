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
                     TrackerOptions options = {});

  // `text` has the cursor as "|".
  void open(std::string with_cursor, const std::string& language = "cpp");
  void close() { tell("textDocument/didClose", {{"textDocument", {{"uri", uri}}}}); }
  void save() { tell("textDocument/didSave", {{"textDocument", {{"uri", uri}}}}); }
  void end_session();
  // The server or the agent is killed.
  void crash() { take(tracker->finish(now)); }
  void wait_ms(double ms);

  // ---- typing

  struct Change {
    std::size_t begin;
    std::size_t end;
    std::string with;
  };
  void change(const std::vector<Change>& changes);
  void edit(std::size_t begin, std::size_t end, const std::string& with) {
    change({{begin, end, with}});
  }
  // One key press after another, 100 ms each.
  void type(const std::string& keys);
  void insert(const std::string& with) { edit(cursor, cursor, with); }
  void backspace(int times = 1);
  // At a place named by what stands there, the cursor stays with the text it was at.
  void edit_elsewhere(const std::string& what, const std::string& with);

  // ---- inline suggestions

  struct Item {
    std::string text;
    std::size_t replaces = 0;  // bytes before the cursor
    json command;
  };
  int ask();
  void answer(int id, const std::vector<Item>& items);
  void offer(const std::string& with) { offer_items({{with, 0, {}}}); }
  void offer_items(const std::vector<Item>& items) { answer(ask(), items); }

  // Applies an item of the last answer as VS Code does.
  void tab(std::size_t item = 0);
  void apply(std::size_t item = 0);
  static json command(int n);

  // ---- popup lists

  void offer_list(const json& items, const json& defaults = nullptr);
  json range(std::size_t begin, std::size_t end) const;

  // ---- messages

  void tell(const std::string& method, const json& params);
  void client(json message) { send(Direction::kClientToServer, std::move(message)); }
  void server(json message) { send(Direction::kServerToClient, std::move(message)); }
  void send(Direction direction, json message);
  void take(std::vector<Event> more);

  json position(std::size_t offset) const;

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
  std::vector<std::string> outcomes() const;
  static std::string in_words(const Outcome& outcome);
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
  Settled settled() const;

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
