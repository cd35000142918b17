// Bytes a second of large messages, each way: several in a row, from the first byte written to the
// last answer read. In turns, each time by a connection of its own; told is the best tenth.
#include <nlohmann/json.hpp>

#include "bench/setup.h"

namespace strop::bench {
namespace {

constexpr double kGoal = 0.8;
constexpr double kMega = 1e6;

struct Size {
  std::size_t bytes;
  int messages;
  const char* name;
};

enum class Way { kToServer, kToEditor, kWholeDocument };

double megabytes_a_second(Connection& connection, Way way, const std::string& message, long bytes,
                          int messages) {
  const auto begin = Clock::now();
  for (int i = 1; i <= messages; ++i) {
    const std::string id = std::to_string(i);
    if (way == Way::kToEditor)
      connection.send(framed(R"({"jsonrpc":"2.0","id":)" + id +
                             R"(,"method":"bench/give","params":{"bytes":)" +
                             std::to_string(bytes) + "}}"));
    else
      connection.send(message);
  }
  if (way != Way::kToEditor)
    connection.send(framed(R"({"jsonrpc":"2.0","id":1,"method":"bench/done"})"));
  for (int i = 1; i <= (way == Way::kToEditor ? messages : 1); ++i) connection.await(i);
  return static_cast<double>(bytes) * messages / microseconds(Clock::now() - begin) * 1e6 / kMega;
}

std::string message_of(Way way, const Setup& setup, std::size_t bytes) {
  const std::string text = nlohmann::json(source_code(bytes)).dump();
  if (way == Way::kToServer)
    return framed(R"({"jsonrpc":"2.0","method":"bench/take","params":)" + text + "}");
  return framed(R"({"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":)"
                R"({"uri":")" +
                setup.uri(0) + R"(","version":2},"contentChanges":[{"text":)" + text + "}]}}");
}

void measure(const Setup& setup, Way way, const Size& size, Report& report) {
  std::vector<Line> lines = setup.lines();
  std::erase_if(lines, [](const Line& line) { return line.slow; });  // minutes
  std::vector<std::vector<double>> speeds(lines.size());
  const std::string message = way == Way::kToEditor ? "" : message_of(way, setup, size.bytes);
  const long bytes = static_cast<long>(way == Way::kToEditor ? size.bytes : message.size());
  const int messages = setup.count(size.messages);
  const int rounds = setup.count(15, 1);
  for (int round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::size_t now = (i + static_cast<std::size_t>(round)) % lines.size();
      Connection connection(lines[now].command({setup.programs().server}));
      connection.initialize();
      connection.tell("textDocument/didOpen",
                      R"({"textDocument":{"uri":")" + setup.uri(0) +
                          R"(","languageId":"cpp","version":1,"text":""}})");
      speeds[now].push_back(megabytes_a_second(connection, way, message, bytes, messages));
      if (!lines[now].beside) connection.finish();
    }
  const char* bench = way == Way::kToServer   ? "large messages to the server"
                      : way == Way::kToEditor ? "large messages to the editor"
                                              : "whole-document changes";
  const double pump = quantile(speeds[1], 1 - kBestTenth);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const double speed = quantile(speeds[i], 1 - kBestTenth);
    const bool goal = lines[i].agent;
    report.add({bench, std::string(size.name) + ", " + lines[i].name, speed, "MB/s",
                i == 1 ? "" : "pump", i == 1 ? std::nullopt : std::optional(speed / pump),
                goal ? ">= 0.8 x" : "", !goal || speed >= kGoal * pump});
  }
}

}  // namespace

void measure_large_messages(const Setup& setup, Report& report) {
  constexpr std::array<Size, 3> kSizes{
      {{64u << 10, 512, "64 KiB"}, {1u << 20, 48, "1 MiB"}, {16u << 20, 3, "16 MiB"}}};
  for (const Way way : {Way::kToServer, Way::kToEditor})
    for (const Size& size : kSizes) measure(setup, way, size, report);
  // What a full-sync client sends for each keystroke: the tracker has to read all of it.
  measure(setup, Way::kWholeDocument, kSizes[1], report);
}

}  // namespace strop::bench
