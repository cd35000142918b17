// Recorded LSP sessions (tests/sessions/*.jsonl), message by message.
//
// Values. Times are milliseconds since the recording began. A file that cannot be read is an
// exception: the tests cannot go on without it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace strop::support {

struct RecordedMessage {
  double t_ms = 0;
  bool from_client = false;
  std::string header;  // the exact bytes before the body
  std::string body;
};

inline std::vector<RecordedMessage> read_session(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  std::vector<RecordedMessage> messages;
  for (std::string line; std::getline(in, line);) {
    const auto record = nlohmann::json::parse(line);
    RecordedMessage message;
    message.t_ms = record.at("t_ms").get<double>();
    message.from_client = record.at("dir") == "c2s";
    message.body = record.at("raw").get<std::string>();
    message.header =
        record.value("hdr", "Content-Length: " + std::to_string(message.body.size()) + "\r\n\r\n");
    messages.push_back(std::move(message));
  }
  return messages;
}

// The session with every answer behind its request: the recorder's clock put a few before it.
inline std::vector<RecordedMessage> in_causal_order(std::vector<RecordedMessage> session) {
  const auto answers = [](const RecordedMessage& answer, const RecordedMessage& request) {
    const auto ours = nlohmann::json::parse(answer.body);
    const auto theirs = nlohmann::json::parse(request.body);
    return answer.from_client != request.from_client && !ours.contains("method") &&
           theirs.contains("method") && theirs.contains("id") && ours.at("id") == theirs.at("id");
  };
  for (std::size_t i = 0; i + 1 < session.size(); ++i)
    if (answers(session[i], session[i + 1])) std::swap(session[i], session[i + 1]);
  return session;
}

// Every recorded session below `tests`, by name.
inline std::vector<std::filesystem::path> session_files(const std::filesystem::path& tests) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(tests / "sessions"))
    if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// All bytes that one side sent, as they went over the pipe.
inline std::string stream_of(const std::vector<RecordedMessage>& session, bool from_client) {
  std::string stream;
  for (const RecordedMessage& message : session)
    if (message.from_client == from_client) stream += message.header + message.body;
  return stream;
}

}  // namespace strop::support
