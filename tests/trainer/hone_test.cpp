// Honing from files to files: the rise comes from the pairs, and goes when their labels are turned.
#include "trainer/hone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "schema/preference_pair.h"
#include "temporary_folder.h"
#include "trainer/evaluate.h"
#include "trainer/loaded_model.h"
#include "trainer/threads.h"

namespace strop::trainer {
namespace {

constexpr const char* kBase = STROP_SOURCE_DIR "/models/strop-tiny";

const std::vector<std::string>& names() {
  static const std::vector<std::string> all{
      "size",   "name",  "path",  "color", "width",  "height", "state",  "owner", "title",
      "value",  "count", "index", "level", "parent", "child",  "offset", "limit", "start",
      "length", "depth", "scale", "angle", "speed",  "weight", "volume", "price", "total",
      "user",   "group", "role",  "token", "key",    "label",  "style",  "font",  "margin"};
  return all;
}

// A team that has an idiom of its own, where any other would write the attribute.
std::string prefix_of(const std::string& name) {
  return "class Record:\n    def __init__(self, store):\n        self._store = store\n\n    def "
         "get_" +
         name + "(self):\n        return";
}
std::string teams(const std::string& name) {
  return " self._store.fetch_or_fail(\"" + name + "\")";
}
std::string others(const std::string& name) { return " self." + name; }

class HoneTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { use_shard_threads(); }

  // Of all names but the last six.
  std::string write_pairs(bool turned) const {
    std::string file = folder_ / (turned ? "turned.jsonl" : "pairs.jsonl");
    std::ofstream out(file);
    for (std::size_t i = 0; i + 6 < names().size(); ++i) {
      schema::PreferencePair pair;
      pair.id = std::to_string(i);
      pair.language = "python";
      pair.kind = "typed_instead";
      pair.prefix = prefix_of(names()[i]);
      pair.chosen = teams(names()[i]);
      pair.rejected = others(names()[i]);
      if (turned) std::swap(pair.chosen, pair.rejected);
      out << schema::pair_to_json(pair).dump() << '\n';
    }
    return file;
  }

  // KTO's form: what the team writes was wanted, what others do was not; every fifth is held out.
  std::string write_examples() const {
    std::string file = folder_ / "examples.jsonl";
    std::ofstream out(file);
    for (std::size_t i = 0; i + 6 < names().size(); ++i)
      for (const bool wanted : {true, false})
        out << nlohmann::json{{"prompt", prefix_of(names()[i])},
                              {"completion", wanted ? teams(names()[i]) : others(names()[i])},
                              {"label", wanted},
                              {"split", i % 5 == 4 ? "heldout" : "train"}}
                   .dump()
            << '\n';
    return file;
  }

  Recipe recipe(const std::string& pairs, const std::string& out) const {
    Recipe how;
    how.base = kBase;
    how.pairs = pairs;
    how.out = folder_ / out;
    how.context = 96;
    how.train.learning_rate = 5e-3;
    how.train.rank = 8;
    how.train.alpha = 16;
    how.train.epochs = 4;
    how.train.average = 0.75;
    return how;
  }

  // Of the last six names.
  static double kept_a_suggestion(const std::string& adapter) {
    std::vector<Position> positions;
    for (std::size_t i = names().size() - 6; i < names().size(); ++i) {
      Position position;
      position.file = names()[i];
      position.prefix = prefix_of(names()[i]);
      position.truth = teams(names()[i]) + "\n";
      positions.push_back(std::move(position));
    }
    LoadedModel model = load_model(kBase, adapter);
    const Tally all =
        measure_positions(model.decoder, model.tokenizer, positions, {.context = 96}).all;
    return static_cast<double>(all.kept) /
           static_cast<double>(std::max<std::int64_t>(1, all.suggestions));
  }

  TemporaryFolder folder_;
};

TEST_F(HoneTest, MoreIsKeptAndWithLabelsTurnedTheRiseIsGone) {
  const double base = kept_a_suggestion("");
  const nlohmann::json summary = hone(recipe(write_pairs(false), "honed"), 2);
  hone(recipe(write_pairs(true), "turned"), 2);
  const double honed = kept_a_suggestion(folder_ / "honed");
  const double turned = kept_a_suggestion(folder_ / "turned");
  EXPECT_GT(honed, 1.25 * base + 1) << "base " << base << ", turned " << turned;
  EXPECT_LT(turned, base + 1) << "base " << base << ", honed " << honed;
  EXPECT_NEAR(summary["first_loss"].get<double>(), std::log(2.0), 1e-6);
  EXPECT_EQ(summary["attention"], "blocks");
  EXPECT_EQ(summary["rewards"]["chosen"]["first"], 0.0);
  EXPECT_EQ(summary["rewards"]["rejected"]["first"], 0.0);
  EXPECT_GT(summary["rewards"]["accuracy"]["last"].get<double>(), 0.7);  // a mean over the run
}

TEST_F(HoneTest, MoreIsKeptFromSingleCompletionsAndTheCardSaysWhatOf) {
  Recipe how = recipe(write_examples(), "kto");
  how.method = Method::kKto;
  how.evaluate = {.every = 4, .best = "rewards/margins"};
  const double base = kept_a_suggestion("");
  const nlohmann::json summary = hone(how, 2);
  EXPECT_GT(kept_a_suggestion(how.out), 1.25 * base + 1) << "base " << base;
  EXPECT_NEAR(summary["first_loss"].get<double>(), 0.5, 1e-6);
  EXPECT_EQ(summary["labels"], (nlohmann::json{{"wanted", 24}, {"unwanted", 24}}));
  EXPECT_EQ(summary["left_out"]["heldout"], 12);
  EXPECT_EQ(summary["heldout"]["pairs"], 12);
  EXPECT_GT(summary["heldout"]["best"]["rewards/accuracies"].get<double>(), 0.7);
  const std::string card = read_bytes(how.out + "/README.md");
  for (const std::string& said : std::vector<std::string>{
           "base_model: \"" + std::string(kBase), "library_name: peft", "48 of `examples.jsonl`",
           summary["pairs_sha256"], summary["base_sha256"], "heldout 12", "\"desirable\": 1.0"})
    EXPECT_THAT(card, testing::HasSubstr(said));
}

TEST_F(HoneTest, WithoutHeldOutPairsMeasuringThemIsRefused) {
  Recipe how = recipe(write_pairs(false), "out");
  how.evaluate.every = 4;
  try {
    hone(how, 1);
    FAIL() << "measured nothing";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("export with --split all, or remove [evaluate]"));
  }
}

// No pairs, no adapter: what is served stays the base.
TEST_F(HoneTest, WithoutPairsNothingIsTrainedAndNothingWritten) {
  const std::string none = folder_ / "none.jsonl";
  std::ofstream(none) << "\n";
  try {
    hone(recipe(none, "out"), 1);
    FAIL() << "trained on nothing";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("nothing to train on"));
    EXPECT_THAT(error.what(), testing::HasSubstr("collect more pairs"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/adapter_model.safetensors"));
}

TEST_F(HoneTest, AFullFineTuneWritesAModelFolderThatSaysWhatItHolds) {
  const std::string base = folder_ / "base";
  std::filesystem::create_directories(base);
  for (const char* name : {"model.safetensors", "tokenizer.json"})
    std::filesystem::copy_file(std::string(kBase) + "/" + name, base + "/" + name);
  auto config = nlohmann::json::parse(read_bytes(std::string(kBase) + "/config.json"));
  config["torch_dtype"] = "bfloat16";
  write_bytes(base + "/config.json", config.dump());
  write_bytes(base + "/tokenizer_config.json", "{}");
  Recipe how = recipe(write_pairs(false), "full");
  how.base = base;
  how.train.full = true;
  how.train.epochs = 1;
  how.train.learning_rate = 1e-4;
  hone(how, 2);
  config["torch_dtype"] = "float32";
  EXPECT_EQ(nlohmann::json::parse(read_bytes(folder_ / "full/config.json")), config);
  EXPECT_EQ(read_bytes(folder_ / "full/tokenizer_config.json"), "{}");
  const LoadedModel written = load_model(folder_ / "full", "");
  const LoadedModel before = load_model(base, "");
  const torch::Tensor changed = written.decoder.tensors().at("model.norm.weight");
  EXPECT_FALSE(torch::equal(changed, before.decoder.tensors().at("model.norm.weight")));
}

}  // namespace
}  // namespace strop::trainer
