// What a running collector tells Prometheus is in its form and by its naming rules, and what the
// dashboard and the alert rules ask for is among it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "collector/durations.h"
#include "collector/serve_process.h"
#include "collector/temp_folder.h"

namespace strop::collector {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

struct Sample {
  std::string name;
  std::string labels;  // with their braces
  double value = 0;
};

struct Family {
  std::string help;
  std::string type;
  std::vector<Sample> samples;
};

// The text form: HELP, TYPE, then the samples of one family after the other. Strict: what is not so
// is a failure.
std::map<std::string, Family> parse(const std::string& text) {
  std::map<std::string, Family> out;
  static const std::regex kSample(R"re(([a-z_]+)(\{(?:[a-z]+="[^"\\]*",?)+\})? ([0-9.e+-]+))re");
  std::string current;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash;
    std::string kind;
    std::string name;
    if (line.starts_with("#")) {
      words >> hash >> kind >> name >> std::ws;
      std::string rest;
      std::getline(words, rest);
      if (kind == "HELP") {
        EXPECT_FALSE(out.contains(name)) << "twice: " << line;
        current = name;
        out[name].help = rest;
      } else {
        EXPECT_EQ(kind, "TYPE") << line;
        EXPECT_EQ(name, current) << line;
        out[name].type = rest;
      }
      continue;
    }
    std::smatch parts;
    EXPECT_TRUE(std::regex_match(line, parts, kSample)) << line;
    if (parts.empty()) continue;
    EXPECT_TRUE(parts.str(1).starts_with(current)) << "outside its family: " << line;
    out[current].samples.push_back({parts.str(1), parts.str(2), std::stod(parts.str(3))});
  }
  return out;
}

class ObservabilityTest : public testing::Test {
 protected:
  // What GET /metrics answers, without the head.
  static std::string metrics() {
    const TempFolder folder;
    const ServeProcess serve({"--store", folder / "events.db", "--insecure-loopback", "--bind",
                              "tcp://127.0.0.1:0", "--http", "127.0.0.1:0"},
                             folder / "ports");
    Peer agent(serve.port(), "", nullptr);
    schema::WireId id{};
    id.fill(1);
    agent.ask<schema::Welcome>(schema::Hello{1, 1, id, id, 1, 1, "test"});
    agent.ask<schema::Ack>(schema::Batch{id, 1, {{1, "no event"}}});
    const std::string answer = ask_web(
        serve.http_port(), "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    return answer.substr(std::min(answer.size(), answer.find("\r\n\r\n") + 4));
  }
  static std::set<std::string> sample_names() {
    std::set<std::string> out;
    for (const auto& [name, family] : parse(metrics()))
      for (const Sample& sample : family.samples) out.insert(sample.name);
    return out;
  }
  static std::string shipped(const std::string& name) {
    std::ifstream in(STROP_SOURCE_DIR "/collector/observability/" + name);
    std::ostringstream text;
    text << in.rdbuf();
    EXPECT_THAT(text.str(), Not(IsEmpty())) << name;
    return text.str();
  }
  // The metrics that an expression of PromQL names.
  static std::set<std::string> named_in(const std::string& expression) {
    static const std::regex kName(R"(\b(strop|process)_[a-z_]+)");
    return {std::sregex_token_iterator(expression.begin(), expression.end(), kName), {}};
  }
};

TEST_F(ObservabilityTest, MetricsParseAndFollowTheNamingRules) {
  const auto families = parse(metrics());
  EXPECT_THAT(families, Not(IsEmpty()));
  for (const auto& [name, family] : families) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(name.starts_with("strop_collector_") || name.starts_with("process_"));
    EXPECT_THAT(family.help, testing::EndsWith("."));
    EXPECT_EQ(name.ends_with("_total"), family.type == "counter") << family.type;
    EXPECT_THAT(name, Not(testing::ContainsRegex("milli|micro|_ms|_mib|_kb|minutes")))
        << "base units: seconds, bytes";
    EXPECT_THAT(family.samples, Not(IsEmpty()));
    for (const Sample& sample : family.samples)
      EXPECT_THAT(sample.labels, testing::MatchesRegex(R"(|\{(code|le|version)="[^"]*"\})"))
          << "no label names a person or a machine";
  }
}

TEST_F(ObservabilityTest, WhatHappenedIsCounted) {
  const auto families = parse(metrics());
  const auto value = [&](const std::string& name) { return families.at(name).samples[0].value; };
  EXPECT_EQ(value("strop_collector_ready"), 1);
  EXPECT_EQ(value("strop_collector_connections"), 1);
  EXPECT_EQ(value("strop_collector_events_stored_total"), 1);
  for (const Sample& sample : families.at("strop_collector_events_rejected_total").samples)
    EXPECT_EQ(sample.value, sample.labels == "{code=\"bad_json\"}" ? 1 : 0) << sample.labels;
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value("process_open_fds"), 3);
}

TEST_F(ObservabilityTest, TheHistogramOfCommitsAddsUp) {
  const auto family = parse(metrics()).at("strop_collector_commit_duration_seconds");
  EXPECT_EQ(family.type, "histogram");
  ASSERT_THAT(family.samples, SizeIs(Durations::kBounds.size() + 3));
  double before = 0;
  for (std::size_t i = 0; i <= Durations::kBounds.size(); ++i) {
    EXPECT_TRUE(family.samples[i].name.ends_with("_bucket"));
    EXPECT_GE(family.samples[i].value, before);
    before = family.samples[i].value;
  }
  EXPECT_EQ(family.samples[Durations::kBounds.size()].labels, "{le=\"+Inf\"}");
  EXPECT_GE(before, 1);
  const Sample& sum = family.samples[Durations::kBounds.size() + 1];
  EXPECT_TRUE(sum.name.ends_with("_sum"));
  EXPECT_GT(sum.value, 0);
  EXPECT_EQ(family.samples.back().value, before) << "_count";
}

TEST(Durations, ABoundIncludesItself) {
  Durations times;
  times.note(1000);
  times.note(1001);
  times.note(2'000'000);
  EXPECT_EQ(times.within(0), 0U);
  EXPECT_EQ(times.within(1), 1U);
  EXPECT_EQ(times.within(2), 2U);
  EXPECT_EQ(times.within(Durations::kBounds.size() - 1), 2U);
  EXPECT_EQ(times.count(), 3U);
  EXPECT_EQ(times.sum(), 2'002'001U);
}

TEST_F(ObservabilityTest, TheDashboardAsksForWhatThereIs) {
  const std::set<std::string> there = sample_names();
  const auto dashboard = nlohmann::json::parse(shipped("dashboard.json"));
  std::size_t asked = 0;
  for (const auto& panel : dashboard.at("panels"))
    for (const auto& target : panel.at("targets"))
      for (const std::string& name : named_in(target.at("expr"))) {
        EXPECT_TRUE(there.contains(name)) << panel.at("title") << " asks for " << name;
        ++asked;
      }
  EXPECT_GT(asked, 15U);
}

// The rules are YAML of a plain kind, one key a line.
TEST_F(ObservabilityTest, TheAlertsAskForWhatThereIsAndSayWhatToDo) {
  const std::set<std::string> there = sample_names();
  std::vector<std::map<std::string, std::string>> alerts;
  std::istringstream lines(shipped("alerts.yaml"));
  static const std::regex kLine(R"( *(?:- )?([a-z]+): (.+))");
  for (std::string line; std::getline(lines, line);) {
    std::smatch parts;
    if (line.starts_with("#") || !std::regex_match(line, parts, kLine)) continue;
    if (parts.str(1) == "alert") alerts.emplace_back();
    if (!alerts.empty()) alerts.back()[parts.str(1)] = parts.str(2);
  }
  ASSERT_THAT(alerts, SizeIs(testing::Ge(8U)));
  for (auto& alert : alerts) {
    SCOPED_TRACE(alert["alert"]);
    for (const char* key : {"expr", "labels", "summary", "action"})
      EXPECT_THAT(alert[key], Not(IsEmpty())) << key;
    EXPECT_THAT(alert["labels"], testing::MatchesRegex(R"(\{severity: (warning|critical)\})"));
    // `up` is Prometheus' own.
    if (alert["expr"].starts_with("up{")) continue;
    EXPECT_THAT(named_in(alert["expr"]), Not(IsEmpty()));
    for (const std::string& name : named_in(alert["expr"]))
      EXPECT_TRUE(there.contains(name)) << name;
  }
}

}  // namespace
}  // namespace strop::collector
