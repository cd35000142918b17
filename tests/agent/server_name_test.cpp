// What a server is called by its command, where it does not name itself.
#include "agent/server_name.h"

#include <gtest/gtest.h>

namespace strop::agent {
namespace {

struct Command {
  const char* name;
  std::vector<std::string> words;
  const char* called;
};

class ServerName : public testing::TestWithParam<Command> {};

TEST_P(ServerName, IsThatOfWhatRuns) {
  EXPECT_EQ(server_name(GetParam().words), GetParam().called);
}

INSTANTIATE_TEST_SUITE_P(
    All, ServerName,
    testing::Values(
        Command{"Program", {"clangd", "--log=error"}, "clangd"},
        Command{"Path", {"/usr/lib/llvm/bin/clangd"}, "clangd"},
        Command{
            "Script", {"node", "/opt/copilot/language-server.js", "--stdio"}, "language-server.js"},
        Command{"OptionsOfTheInterpreter",
                {"/usr/bin/node", "--no-warnings", "a/server.js"},
                "server.js"},
        Command{"Module", {"python3.11", "-m", "pylsp", "-v"}, "pylsp"},
        Command{"Archive", {"java", "-Xmx1G", "-jar", "/opt/jdt/jdtls.jar"}, "jdtls.jar"},
        Command{"Subcommand", {"deno", "run", "server.ts"}, "server.ts"},
        Command{"ThroughTwo", {"/usr/bin/env", "LANG=C", "python3", "server.py"}, "server.py"},
        Command{"InterpreterAlone", {"python3"}, "python3"},
        Command{"ModuleWithoutAName", {"python3", "-m"}, "python3"}, Command{"Nothing", {}, ""}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace strop::agent
