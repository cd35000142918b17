#include "tracker_fixture.h"

#include <utility>

namespace strop::agent::test {

void TrackerTest::begin_session(Counts counts, bool full_sync, TrackerOptions options) {
  tracker.emplace(std::move(options));
  counts_ = counts;
  full_sync_ = full_sync;
  client({{"id", 0}, {"method", "initialize"}, {"params", json::object()}});
  server(
      {{"id", 0},
       {"result",
        {{"serverInfo", {{"name", "scripted"}}},
         {"capabilities", {{"positionEncoding", counts == Counts::kUtf8 ? "utf-8" : "utf-16"}}}}}});
}

void TrackerTest::open(std::string with_cursor, const std::string& language) {
  if (!tracker) begin_session();
  cursor = with_cursor.find('|');
  with_cursor.erase(cursor, 1);
  text = std::move(with_cursor);
  client({{"method", "textDocument/didOpen"},
          {"params",
           {{"textDocument",
             {{"uri", uri}, {"languageId", language}, {"version", 1}, {"text", text}}}}}});
}

void TrackerTest::end_session() {
  client({{"id", "bye"}, {"method", "shutdown"}});
  take(tracker->finish(now));
}

void TrackerTest::wait_ms(double ms) {
  now += ms;
  take(tracker->on_time(now));
}

void TrackerTest::change(const std::vector<Change>& changes) {
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

void TrackerTest::type(const std::string& keys) {
  for (std::size_t at = 0; at < keys.size();) {
    std::size_t size = 1;
    while (at + size < keys.size() && (keys[at + size] & 0xc0) == 0x80) ++size;
    wait_ms(100);
    insert(keys.substr(at, size));
    at += size;
  }
}

void TrackerTest::backspace(int times) {
  for (; times > 0; --times) {
    wait_ms(50);
    edit(cursor - 1, cursor, "");
  }
}

void TrackerTest::edit_elsewhere(const std::string& what, const std::string& with) {
  const std::size_t begin = text.find(what);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t before = cursor;
  edit(begin, begin + what.size(), with);
  cursor = begin < before ? before - what.size() + with.size() : before;
}

int TrackerTest::ask() {
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

void TrackerTest::answer(int id, const std::vector<Item>& items) {
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

void TrackerTest::tab(std::size_t item) {
  apply(item);
  if (!items_[item].command.is_null())
    client({{"id", ++last_id_},
            {"method", "workspace/executeCommand"},
            {"params", items_[item].command}});
}

void TrackerTest::apply(std::size_t item) {
  edit(begin_ - items_[item].replaces, cursor, items_[item].text);
}

json TrackerTest::command(int n) {
  return {{"title", "t"}, {"command", "server.accepted"}, {"arguments", {n}}};
}

void TrackerTest::offer_list(const json& items, const json& defaults) {
  const int id = ++last_id_;
  client({{"id", id},
          {"method", "textDocument/completion"},
          {"params", {{"textDocument", {{"uri", uri}}}, {"position", position(cursor)}}}});
  json result{{"isIncomplete", false}, {"items", items}};
  if (!defaults.is_null()) result["itemDefaults"] = defaults;
  server({{"id", id}, {"result", result}});
}

json TrackerTest::range(std::size_t begin, std::size_t end) const {
  return {{"start", position(begin)}, {"end", position(end)}};
}

void TrackerTest::tell(const std::string& method, const json& params) {
  client({{"method", method}, {"params", params}});
}

void TrackerTest::send(Direction direction, json message) {
  message["jsonrpc"] = "2.0";
  take(tracker->on_message(direction, message.dump(), now));
  EXPECT_GT(tracker->next_deadline().value_or(now + 1), now) << "what was due is done";
}

void TrackerTest::take(std::vector<Event> more) {
  for (Event& event : more) events.push_back(std::move(event));
}

json TrackerTest::position(std::size_t offset) const {
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

std::vector<std::string> TrackerTest::outcomes() const {
  std::vector<std::string> out;
  for (const Outcome& outcome : all<Outcome>()) out.push_back(in_words(outcome));
  return out;
}

std::string TrackerTest::in_words(const Outcome& outcome) {
  std::string out(to_word(outcome.outcome));
  if (outcome.how != How::kNone) out += "/" + std::string(to_word(outcome.how));
  if (outcome.outcome == OutcomeKind::kAccepted || outcome.outcome == OutcomeKind::kPartial ||
      outcome.outcome == OutcomeKind::kTypedThrough)
    out += " by " + std::string(to_word(outcome.evidence)) + " '" + outcome.text + "'";
  if (outcome.corrects) out += " instead of " + *outcome.corrects;
  return out;
}

Settled TrackerTest::settled() const {
  const auto states = all<Settled>();
  EXPECT_FALSE(states.empty());
  return states.empty() ? Settled{} : states.back();
}

}  // namespace strop::agent::test
