// What a command prints and cannot write is not done: the exit code says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/fill.h"
#include "collector/keys.h"
#include "collector/program.h"
#include "collector/temp_folder.h"

namespace strop::collector {
namespace {

using testing::HasSubstr;

TEST(Output, WhatCannotBeWrittenFails) {
  const TempFolder folder;
  const std::string store = folder / "events.db";
  const std::string keys = folder / "keys";
  fill(store, 1, Life().offered({"x + y"}).accepted().settled("x - y"));
  ASSERT_TRUE(generate_server_key(keys));
  ASSERT_TRUE(allow(keys, "anna", make_key_pair().public_key));
  const std::vector<std::string> table[] = {
      {"ledger", "--store", store},     {"ledger", "--store", store, "--json"},
      {"pairs", "--store", store},      {"export", "--store", store, "--format", "strop"},
      {"keys", "list", "--keys", keys}, {"--help"},
  };
  for (const auto& arguments : table) {
    EXPECT_EQ(run_collector(arguments).code, 0) << arguments[0];
    const Said said = run_collector_into("/dev/full", arguments);
    EXPECT_EQ(said.code, 1) << arguments[0];
    EXPECT_THAT(said.err, HasSubstr("cannot write to stdout")) << arguments[0];
  }
}

}  // namespace
}  // namespace strop::collector
