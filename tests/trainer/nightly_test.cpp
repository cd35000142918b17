// The nightly round as its timer runs it, with the trainer itself and a stand-in for the collector.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "program.h"
#include "schema/preference_pair.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Nightly : public testing::Test {
 protected:
  Nightly() {
    put_program("strop-collector",
                "[ \"$1\" = export ] || { echo 'so many pairs'; exit 0; }\n"
                "[ \"$*\" = \"export --format strop --split all --out $7\" ] || exit 2\n"
                "cp '" +
                    (folder_ / "pairs") + "' \"$7\"\n");
    put_program("strop-trainer", "exec '" STROP_BIN_DIR "/strop-trainer' \"$@\" --config '" +
                                     (folder_ / "trainer.toml") + "'\n");
    write_bytes(folder_ / "trainer.toml", "base = \"" STROP_SOURCE_DIR "/models/strop-tiny\"\n");
  }
  void put_program(const std::string& name, const std::string& script) const {
    const std::string file = folder_ / ("bin/" + name);
    write_bytes(file, "#!/bin/sh\n" + script);
    fs::permissions(file, fs::perms::owner_all);
  }
  void export_gives(const std::vector<std::string>& splits) const {
    std::string lines;
    for (const std::string& split : splits) {
      schema::PreferencePair pair;
      pair.id = std::to_string(lines.size());
      pair.prefix = "import ";
      pair.chosen = "os\n";
      pair.rejected = "sys\n";
      pair.kind = "edited";
      pair.split = split;
      lines += schema::pair_to_json(pair).dump() + "\n";
    }
    write_bytes(folder_ / "pairs", lines);
  }
  Outcome run() const {
    return run_program(STROP_BIN_DIR "/../trainer/nightly", {},
                       "export PATH='" + (folder_ / "bin") + "':$PATH ROUNDS='" +
                           (folder_ / "rounds") +
                           "' RECIPE='" STROP_SOURCE_DIR "/trainer/recipes/dpo.toml';");
  }
  // What the one round left.
  std::vector<std::string> left() const {
    std::vector<std::string> out;
    for (const auto& round : fs::directory_iterator(folder_ / "rounds"))
      for (const auto& file : fs::directory_iterator(round)) out.push_back(file.path().filename());
    return out;
  }
  TemporaryFolder folder_;
};

TEST_F(Nightly, MakesAnAdapterMeasuresItAndKeepsNoTexts) {
  export_gives({"train", "train", "heldout"});
  const Outcome outcome = run();
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("so many pairs"), HasSubstr("preferred as the developer"),
                    HasSubstr("preference_accuracy"), HasSubstr("made ")));
  EXPECT_THAT(left(), testing::UnorderedElementsAre("adapter", "base.json", "honed.json"));
}

TEST_F(Nightly, EndsWhereItFailsAndKeepsNoTexts) {
  export_gives({"heldout"});
  const Outcome outcome = run();
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("nothing to train on"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("made ")));
  EXPECT_THAT(left(), Not(testing::Contains("pairs.jsonl")));
}

}  // namespace
}  // namespace strop::trainer
