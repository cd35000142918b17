#include "agent/replay.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <vector>

#include "agent/mode.h"
#include "agent/privacy/file_judge.h"
#include "agent/privacy/outgoing.h"
#include "agent/privacy/pseudonyms.h"
#include "agent/suggestion_tracker.h"

namespace strop::agent {
namespace {

using nlohmann::json;

struct Record {
  double t_ms = 0;
  Direction direction = Direction::kClientToServer;
  std::string body;
};

// Throws std::runtime_error with what is wrong.
Record read_record(const std::string& line) {
  const json in = json::parse(line);
  Record record;
  record.t_ms = in.at("t_ms").get<double>();
  const auto& direction = in.at("dir").get_ref<const std::string&>();
  if (direction == "s2c")
    record.direction = Direction::kServerToClient;
  else if (direction != "c2s")
    throw std::runtime_error("`dir` is \"" + direction + "\", expected \"c2s\" or \"s2c\"");
  record.body = in.at("raw").get<std::string>();
  return record;
}

// By time: a recorder of two pipes may write an answer a moment before its request.
void order(std::vector<Record>& records) {
  std::stable_sort(records.begin(), records.end(),
                   [](const Record& a, const Record& b) { return a.t_ms < b.t_ms; });
}

// As the gate lets it out where only counts are kept. The key is nobody's: a recording's files have
// the same pseudonyms wherever it is replayed.
json counts_of(const schema::Event& event) {
  const Pseudonyms pseudonyms{Pseudonyms::Key{}};
  const auto path = path_of_uri(event.uri);
  return counts_record(event, path ? pseudonyms.of_file(*path) : pseudonyms.of_uri(event.uri));
}

}  // namespace

int replay_main(const std::filesystem::path& session, const std::string& mode_name,
                std::ostream& out, std::ostream& err) {
  const auto mode = mode_from_word(mode_name);
  if (!mode) {
    err << "strop-agent replay: unknown mode '" << mode_name
        << "': use full, metrics-only or off\n";
    return 2;
  }
  std::ifstream in(session);
  if (!in) {
    err << "strop-agent replay: cannot read " << session.string() << ": " << std::strerror(errno)
        << "; give the path of a recorded session, JSON lines {t_ms, dir, raw}\n";
    return 1;
  }
  std::vector<Record> records;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      records.push_back(read_record(line));
    } catch (const std::exception& error) {
      err << "strop-agent replay: " << session.string() << ", line " << number
          << " is no recorded message {t_ms, dir, raw}: " << error.what() << '\n';
      return 1;
    }
  }
  if (in.bad()) {
    err << "strop-agent replay: reading " << session.string() << " failed\n";
    return 1;
  }
  order(records);
  SuggestionTracker tracker;
  const auto write = [&](const std::vector<schema::Event>& events) {
    if (*mode == Mode::kOff) return;
    for (const schema::Event& event : events)
      out << (*mode == Mode::kMetricsOnly ? counts_of(event) : schema::event_to_json(event))
                 .dump(-1, ' ', false, json::error_handler_t::replace)
          << '\n';
  };
  double end = 0;
  for (const Record& record : records) {
    write(tracker.on_message(record.direction, record.body, record.t_ms));
    end = record.t_ms;
  }
  write(tracker.finish(end));
  if (tracker.counters().malformed > 0)
    err << "strop-agent replay: " << tracker.counters().malformed
        << " messages could not be read and were passed over\n";
  out.flush();
  if (!out) {
    err << "strop-agent replay: writing the events failed\n";
    return 1;
  }
  return 0;
}

}  // namespace strop::agent
