#include "bench/rows.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace strop::bench {
namespace {

using nlohmann::ordered_json;

std::string value_in(const char* file, std::string_view name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t begin = line.find_first_not_of(" \t:=\"", name.size());
    const std::size_t end = line.find_last_not_of(" \"");
    return begin == std::string::npos ? "" : line.substr(begin, end - begin + 1);
  }
  return "";
}

std::string now_as_text() {
  const std::time_t now = std::time(nullptr);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text.data();
}

ordered_json machine() {
  utsname system{};
  ::uname(&system);
  return {{"cpu", value_in("/proc/cpuinfo", "model name")},
          {"cores", std::thread::hardware_concurrency()},
          {"memory", value_in("/proc/meminfo", "MemTotal")},
          {"kernel", std::string(system.sysname) + " " + system.release},
          {"system", value_in("/etc/os-release", "PRETTY_NAME")}};
}

// Three digits that say something.
std::string shown(double value) {
  std::ostringstream text;
  const double size = std::abs(value);
  text << std::fixed << std::setprecision(size < 10 ? 2 : size < 100 ? 1 : 0) << value;
  return text.str();
}

double rounded(double value) { return std::round(value * 1000) / 1000; }

}  // namespace

double quantile(std::vector<double> values, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

Quantiles quantiles(std::vector<double> values) {
  const double p50 = quantile(values, 0.5);
  return {p50, quantile(std::move(values), 0.99)};
}

void print_table(const Report& report, std::ostream& out) {
  std::string bench;
  for (const Row& row : report.rows) {
    if (row.bench != bench) out << "\n" << (bench = row.bench) << "\n";
    out << "  " << std::left << std::setw(44) << row.name << std::right << std::setw(9)
        << shown(row.value) << " " << std::left << std::setw(8) << row.unit;
    if (row.ratio) out << "x " << shown(*row.ratio) << " of " << row.against << "  ";
    if (!row.goal.empty()) out << (row.ok ? "ok      " : "MISSED  ") << row.goal;
    out << "\n";
  }
}

std::string to_json(const Report& report, const std::string& program, std::string_view version) {
  ordered_json rows = ordered_json::array();
  for (const Row& row : report.rows) {
    const auto or_null = [](const std::string& text) {
      return text.empty() ? ordered_json() : ordered_json(text);
    };
    rows.push_back({{"bench", row.bench},
                    {"case", row.name},
                    {"value", rounded(row.value)},
                    {"unit", row.unit},
                    {"against", or_null(row.against)},
                    {"ratio", row.ratio ? ordered_json(rounded(*row.ratio)) : ordered_json()},
                    {"goal", or_null(row.goal)},
                    {"ok", row.ok}});
  }
  const ordered_json whole{{"machine", machine()},
                           {"date", now_as_text()},
                           {"versions", {{program, version}, {"compiler", "g++ " __VERSION__}}},
                           {"rows", std::move(rows)}};
  return whole.dump(1);
}

}  // namespace strop::bench
