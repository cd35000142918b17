// strop-trainer as a program: exit codes, and messages that say what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "program.h"
#include "schema/preference_pair.h"
#include "trainer/precision.h"

namespace strop::trainer {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kModel = STROP_SOURCE_DIR "/models/strop-tiny";
const bool kBfloat16 = is_bfloat16_right(torch::kCPU);

class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    write_bytes(positions_, R"({"file":"a","prefix":"import os\nimport ","truth":"sys\n"})"
                            "\n");
  }
  Outcome evaluate(const std::vector<std::string>& more, const std::string& out = "") const {
    std::vector<std::string> all{"evaluate", "--model", kModel, "--positions", positions_};
    all.insert(all.end(), more.begin(), more.end());
    return run_trainer(all, "", out);
  }
  TemporaryFolder folder_;
  std::string positions_ = folder_ / "positions.jsonl";
};

TEST_F(CommandLine, WrongUsageIsTwo) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{}, {"hone"}, {"evaluate", "--colour", "red"}})
    EXPECT_EQ(run_trainer(arguments).code, 2);
  EXPECT_EQ(run_trainer({"--help"}).code, 0);
}

TEST_F(CommandLine, AResultThatWasNotWrittenIsAFailure) {
  const Outcome measured = evaluate({}, "/dev/full");
  EXPECT_EQ(measured.code, 1);
  EXPECT_THAT(measured.err, HasSubstr("standard output could not be written"));
  EXPECT_EQ(run_trainer({"--help"}, "", "/dev/full").code, 1);
  EXPECT_EQ(evaluate({}).code, 0);
}

TEST_F(CommandLine, AModelTooLargeForTheMemoryIsNamedWithoutStackFrames) {
  // A limit of the address space is a small machine.
  const std::string small = "ulimit -v 6000000;";
  json config = json::parse(read_bytes(kModel + "/config.json"));
  config["max_position_embeddings"] = 1 << 23;
  write_bytes(folder_ / "large/config.json", config.dump());
  for (const char* name : {"model.safetensors", "tokenizer.json"})
    std::filesystem::copy_file(kModel + "/" + name, folder_ / "large/" + name);
  const Outcome loaded =
      run_trainer({"evaluate", "--model", folder_ / "large", "--positions", positions_}, small);
  EXPECT_EQ(loaded.code, 1);
  EXPECT_THAT(loaded.err, AllOf(HasSubstr(folder_ / "large: "), HasSubstr("memory"),
                                Not(HasSubstr("frame #"))));

  write_bytes(folder_ / "pretrain.toml",
              "[model]\nhidden = 1048576\nlayers = 4000\nheads = 4096\nintermediate = 1048576\n"
              "[data]\ntokenizer = \"" +
                  kModel +
                  "/tokenizer.json\"\nroot = \".\"\nfiles = \"list\"\nheldout = \"heldout\"\n"
                  "[train]\ntokens = 100\ncontext = 16\nbatch = 1\nshard = 1\n");
  write_bytes(folder_ / "list", "a.py\nb.py\n");
  write_bytes(folder_ / "heldout", "b.py\n");
  for (const char* name : {"a.py", "b.py"})
    write_bytes(folder_ / name, std::string(4000, 'x') + "\n");
  const Outcome made =
      run_trainer({"pretrain", folder_ / "pretrain.toml", "--out", folder_ / "out"}, small);
  EXPECT_EQ(made.code, 1) << made.err;
  EXPECT_THAT(made.err, AllOf(HasSubstr("memory"), Not(HasSubstr("frame #"))));
}

TEST_F(CommandLine, ARecipeThatIsAFolderIsSaidToBeOne) {
  const Outcome outcome = run_trainer({"dpo", folder_.path()});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr(folder_.path() + " is a folder; name the TOML file in it"));
}

TEST_F(CommandLine, WhereMeasurementsCannotBeWrittenIsSaidBeforeMeasuring) {
  for (const char* flag : {"--json", "--completions"}) {
    // The model is not there either: that would be said if it was looked for first.
    const Outcome outcome = run_trainer({"evaluate", "--model", folder_ / "none", "--positions",
                                         positions_, flag, folder_ / "none/x"});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr(std::string(flag) + " " + (folder_ / "none/x")),
                                   HasSubstr("no folder that you may write to; name another")));
  }
}

TEST_F(CommandLine, WhatIsNoMeasurementToCompareWithIsNamedBeforeMeasuring) {
  const std::string against = folder_ / "before.json";
  const char* const kBad[] = {
      "3",
      "{}",
      R"({"positions": 3})",
      R"({"positions": {"by_file": [3]}})",
      R"({"positions": {"by_file": {"a": {"positions": "1"}}}})",
      R"({"positions": {"by_file": {"a": {"positions": 1, "suggestions": 1, "accepted": 1}}}})"};
  for (const char* text : kBad) {
    write_bytes(against, text);
    const Outcome outcome = run_trainer(
        {"evaluate", "--model", folder_ / "none", "--positions", positions_, "--against", against});
    EXPECT_EQ(outcome.code, 1) << text;
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr(against), HasSubstr("--json"), Not(HasSubstr("json.exception"))))
        << text;
  }
  for (const char* text : {R"({"pairs": {"right": 3}})", R"({"pairs": {"right": ["1"]}})"}) {
    write_bytes(against, text);
    const Outcome outcome = run_trainer({"evaluate", "--model", folder_ / "none", "--pairs",
                                         folder_ / "none.jsonl", "--against", against});
    EXPECT_THAT(outcome.err, AllOf(HasSubstr(against), HasSubstr("no measurement of --pairs")));
  }
}

TEST_F(CommandLine, WhatItMeasuredIsWhatItComparesWith) {
  const std::string before = folder_ / "before.json";
  ASSERT_EQ(evaluate({"--json", before}).code, 0);
  const Outcome outcome = evaluate({"--against", before});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("kept_chars_per_position"));
  const Outcome rounded = evaluate({"--against", before, "--precision", "bfloat16"});
  EXPECT_EQ(rounded.code, 2);
  EXPECT_THAT(rounded.err,
              AllOf(HasSubstr(kBfloat16 ? "was measured in float32, and this would be in bfloat16"
                                        : "bfloat16 comes out wrong on this device"),
                    HasSubstr("--precision float32")));
}

std::string pair_line(const std::string& split, const std::string& id) {
  return schema::pair_to_json([&] {
           schema::PreferencePair pair;
           pair.id = id;
           pair.prefix = "import ";
           pair.chosen = "os\n";
           pair.rejected = "sys\n";
           pair.kind = "edited";
           pair.split = split;
           return pair;
         }())
             .dump() +
         "\n";
}

TEST_F(CommandLine, WithoutAReferenceNoPreferenceIsTold) {
  const std::string pairs = folder_ / "pairs.jsonl";
  write_bytes(pairs, pair_line("train", "a") + pair_line("heldout", "b"));
  const auto measured = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all{"evaluate", "--model", kModel, "--pairs", pairs};
    all.insert(all.end(), more.begin(), more.end());
    return run_trainer(all);
  };
  const std::string base = folder_ / "base.json";
  const Outcome alone = measured({"--json", base});
  ASSERT_EQ(alone.code, 0) << alone.err;
  EXPECT_THAT(alone.out,
              AllOf(HasSubstr("1 held-out pairs: nothing to compare with"),
                    HasSubstr("--reference"), HasSubstr("chosen -"), Not(HasSubstr("preferred"))));
  const Outcome again = measured({"--against", base});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, Not(HasSubstr("preference_accuracy")));
  const Outcome compared = measured({"--reference", kModel, "--against", base});
  EXPECT_EQ(compared.code, 0) << compared.err;
  EXPECT_THAT(compared.out, AllOf(HasSubstr("50.0 % preferred"), HasSubstr("preference_accuracy")));
  const Outcome useless = evaluate({"--reference", kModel});
  EXPECT_EQ(useless.code, 2);
  EXPECT_THAT(useless.err, HasSubstr("--reference is what --pairs are compared with"));
}

TEST_F(CommandLine, WhereNoPairIsHeldOutBothCausesAreSaid) {
  const std::string pairs = folder_ / "pairs.jsonl";
  write_bytes(pairs, pair_line("train", "a") + pair_line("train", "b"));
  const Outcome outcome = run_trainer({"evaluate", "--model", kModel, "--pairs", pairs});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("none of the 2 pairs"), HasSubstr("--split all"),
                                 HasSubstr("fewer than the 20 documents")));
}

TEST_F(CommandLine, ARecipeOfAnotherFamilyIsRefused) {
  write_bytes(folder_ / "pairs.jsonl", pair_line("train", "a"));
  write_bytes(folder_ / "r.toml", "[data]\nfim = \"starcoder2\"\n");
  const Outcome outcome = run_trainer({"dpo", folder_ / "r.toml", "--base", kModel, "--pairs",
                                       folder_ / "pairs.jsonl", "--out", folder_ / "out"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("lacks the special token <fim_prefix>"),
                                 HasSubstr("name the family")));
}

TEST_F(CommandLine, TellsItsVersion) {
  const Outcome outcome = run_trainer({"--version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, testing::MatchesRegex("strop-trainer [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(CommandLine, TheConfigurationStandsInForFlagsAndAFlagWins) {
  const std::string config = folder_ / "trainer.toml";
  const auto said = [&](const std::string& text, const std::vector<std::string>& arguments) {
    write_bytes(config, text);
    std::vector<std::string> all = arguments;
    all.insert(all.end(), {"--config", config});
    const Outcome outcome = run_trainer(all);
    return std::to_string(outcome.code) + " " + outcome.err;
  };
  const std::string base = "base = \"" + kModel + "\"\n";
  EXPECT_THAT(said(base, {"evaluate", "--positions", positions_}), testing::StartsWith("0"));
  EXPECT_THAT(said("", {"evaluate", "--positions", positions_}),
              AllOf(testing::StartsWith("2"), HasSubstr("which model? Give --model, or base")));
  EXPECT_THAT(said("basis = 3\n", {"evaluate", "--positions", positions_}),
              AllOf(HasSubstr(config), HasSubstr("unknown key 'basis'")));
  write_bytes(folder_ / "r.toml", "[data]\npairs = \"none\"\nout = \"out\"\n");
  for (const char* method : {"dpo", "sft"})
    EXPECT_THAT(said("base = \"nowhere\"\n", {method, folder_ / "r.toml"}),
                HasSubstr("there is no model folder " + (folder_ / "nowhere")));
  write_bytes(folder_ / "p.toml", "");
  EXPECT_THAT(said("threads = -1\n", {"pretrain", folder_ / "p.toml", "--out", folder_ / "o"}),
              HasSubstr("'threads' must be"));

  const std::string open = base + "[serve]\nbind = \"0.0.0.0:0\"\n";
  EXPECT_THAT(said(open, {"serve"}), HasSubstr("'0.0.0.0:0' can be reached from other machines"));
  EXPECT_THAT(said(open, {"serve", "--bind", "nowhere"}), HasSubstr("'nowhere' is no address"));
  EXPECT_THAT(said(base + "[serve]\ntoken_file = \"none\"\n", {"serve"}),
              HasSubstr("the token file " + (folder_ / "none") + " is no file"));
  EXPECT_THAT(said(base + "[serve]\ncontext = 9999999\n", {"serve"}), HasSubstr("--context"));
  EXPECT_THAT(said(base + "precision = \"half\"\n", {"serve"}),
              AllOf(testing::StartsWith("2"), HasSubstr("precision 'half'")));
  EXPECT_THAT(said(base, {"serve", "--precision", "half"}),
              AllOf(testing::StartsWith("2"),
                    HasSubstr("--precision 'half' is unknown (known: auto, float32, bfloat16)")));
  EXPECT_THAT(said(base + "[serve]\ncontext = 9999999\n", {"serve", "--context", "3"}),
              HasSubstr("--context must be from 9"));
  // Behind a proxy it listens where others reach it: here on an address that is not this machine's.
  const std::string proxied = base + "[serve]\nbehind_proxy = true\nbind = \"192.0.2.1:1\"\n";
  EXPECT_THAT(said(proxied, {"serve"}), HasSubstr("cannot listen on 192.0.2.1:1"));
  EXPECT_THAT(said(proxied, {"serve", "--behind-proxy=false"}),
              HasSubstr("can be reached from other machines"));
}

TEST_F(CommandLine, OnSighupTheServerLooksForItsAdapterAgain) {
  const std::string config = folder_ / "trainer.toml";
  write_bytes(config, "base = \"" + kModel + "\"\n");
  const std::string precision = kBfloat16 ? "bfloat16" : "float32";
  const std::string script = "cd '" + folder_.path() + "'; precision=" + precision +
                             "; trainer='" STROP_BIN_DIR
                             R"(/strop-trainer'
await() { until grep -qs "$1" "$2"; do kill -0 $server || exit 3; done; }
"$trainer" serve --config trainer.toml --precision $precision --bind 127.0.0.1:0 --port-file port 2>log & server=$!
await . port
kill -HUP $server
await 'from now on' log
printf '[serve]\nadapter = "nowhere"\n' >>trainer.toml
kill -HUP $server
await 'stays in force' log
kill $server
wait $server)";
  const Outcome outcome = run_program("/usr/bin/timeout", {"100", "/bin/sh", "-c", script});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(read_bytes(folder_ / "log"),
              AllOf(HasSubstr("serving strop-tiny in " + precision + " on port "),
                    HasSubstr("serving strop-tiny from now on\n"),
                    HasSubstr("/nowhere cannot be used: there is no adapter_config.json"),
                    HasSubstr("; the old one stays in force\n")));
}

TEST_F(CommandLine, APortBeyondTheLastIsNoAddress) {
  for (const char* bind : {"127.0.0.1:70000", "127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1:http",
                           "127.0.0.1:80x", "127.0.0.1:", ":80"}) {
    const Outcome outcome = run_trainer({"serve", "--model", kModel, "--bind", bind});
    EXPECT_EQ(outcome.code, 2) << bind;
    EXPECT_THAT(outcome.err, HasSubstr("a port is 0 to 65535")) << bind;
  }
}

}  // namespace
}  // namespace strop::trainer
