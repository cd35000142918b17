// What a benchmark says: rows of figures, as a table and as JSON.
//
// Plain values; one thread. A row's value is in its unit; `ratio` is to what `against` names;
// `goal` is empty for rows that stand beside others to compare, and these are always ok.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace strop::bench {

struct Row {
  std::string bench;  // what is measured
  std::string name;   // `case`: of what, or under which circumstances
  double value = 0;
  std::string unit;
  std::string against;
  std::optional<double> ratio;
  std::string goal;
  bool ok = true;
};

struct Report {
  std::vector<Row> rows;
  void add(Row row) { rows.push_back(std::move(row)); }
};

// Of measurements repeated on a machine that does other things too, a time that these did not add
// to.
inline constexpr double kBestTenth = 0.1;

struct Quantiles {
  double p50 = 0;
  double p99 = 0;
};

// REQUIRES: at least one value.
double quantile(std::vector<double> values, double share);
double median(std::vector<double> values);
Quantiles quantiles(std::vector<double> values);

void print_table(const Report& report, std::ostream& out);
// With machine, date and versions on top. `version`: what `program --version` says.
std::string to_json(const Report& report, const std::string& program, std::string_view version);

}  // namespace strop::bench
