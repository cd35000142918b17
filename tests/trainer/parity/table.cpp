#include "table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <vector>

#include "../temporary_folder.h"

namespace strop::trainer {
namespace {

struct Row {
  ParityPoint point;
  double figure;
  double bound;
  std::string verdict;
};

std::vector<Row>& rows() {
  static std::vector<Row> all;
  return all;
}

int number_of(const Row& row) { return std::stoi(row.point.point); }

class PrintsTable : public testing::Environment {
 public:
  void TearDown() override {
    std::stable_sort(rows().begin(), rows().end(),
                     [](const Row& a, const Row& b) { return number_of(a) < number_of(b); });
    std::printf("\n%-27s %-44s %-22s %9s   %7s\n", "parity", "largest difference of", "against",
                "figure", "bound");
    for (const Row& row : rows())
      std::printf("%-27s %-44s %-22s %9.1e   %7.0e  %s\n", row.point.point.c_str(),
                  row.point.what.c_str(), row.point.against.c_str(), row.figure, row.bound,
                  row.verdict.c_str());
  }
};

const testing::Environment* const kPrintsTable =
    testing::AddGlobalTestEnvironment(new PrintsTable);  // GoogleTest owns it

}  // namespace

void expect_parity(const ParityPoint& point, double figure, double bound) {
  rows().push_back({point, figure, bound, figure <= bound ? "ok" : "NOT HELD"});
  EXPECT_LE(figure, bound) << point.point << ": " << point.what << " against " << point.against;
}

void say_unmeasured(const ParityPoint& point, const std::string& why) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  rows().push_back({point, kNone, kNone, why});
}

std::string golden(const std::string& name) {
  const char* other = std::getenv("STROP_GOLDEN");
  return (other != nullptr ? other : STROP_TESTS_DIR "/trainer/golden") + ("/" + name);
}

nlohmann::json golden_json(const std::string& name) {
  return nlohmann::json::parse(read_bytes(golden(name)));
}

NamedTensors golden_tensors(const std::string& name) {
  auto read = read_safetensors(golden(name));
  if (!read) throw std::runtime_error(read.error());
  return std::move(*read);
}

std::string version_of(const nlohmann::json& versions, const std::string& name) {
  return name + " " + versions.at(name).get<std::string>();
}

}  // namespace strop::trainer
