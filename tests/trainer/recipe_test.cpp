// Recipes of sft and dpo: every key is read, and whatever is wrong is named with what it may be.
#include "trainer/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace strop::trainer {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kData = "[data]\nbase = \"b\"\npairs = \"p\"\nout = \"o\"\n";

class RecipeFile : public testing::Test {
 protected:
  Recipe read(const std::string& text, Method method = Method::kDpo,
              const RecipeFlags& flags = {}) const {
    write_bytes(file_, text);
    return read_recipe(file_, method, flags);
  }

  // What is said against a recipe; empty if nothing.
  std::string refusal(const std::string& text, Method method = Method::kDpo) const {
    try {
      read(text, method);
      return "";
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
  }

  TemporaryFolder folder_;
  std::string file_ = folder_ / "recipes/one.toml";
};

TEST_F(RecipeFile, EveryKeyIsRead) {
  const Recipe got = read(R"(
[data]
base = "base"
pairs = "pairs.jsonl"
out = "out"
reference_cache = "reference.jsonl"
context = 99
fim = "qwen"
[objective]
term = "simpo"
compare = "edited"
gamma = 0.8
beta = 0.3
preference = 0.4
likelihood = 0.5
prompt = 0.6
[adapter]
rank = 7
dropout = 0.05
alpha = 9
targets = ["q_proj", "v_proj"]
[train]
full = false
learning_rate = 0.01
schedule = "linear"
warmup = 0.2
clip = 3
weight_decay = 0.7
batch = 5
shard = 2
epochs = 3
average = 0.9
seed = 11
shuffle = false
checkpoint_every = 13
device = "cuda:1"
recompute = true
)");
  EXPECT_EQ(got.method, Method::kDpo);
  EXPECT_EQ(got.reference_cache, folder_ / "recipes/reference.jsonl");
  EXPECT_EQ(got.context, 99);
  EXPECT_EQ(got.family, schema::FimFamily::kQwen);
  EXPECT_EQ(got.family_name, "qwen");
  EXPECT_EQ(got.objective.term, PreferenceTerm::kSimpo);
  EXPECT_EQ(got.objective.compared, ComparedTokens::kEdited);
  EXPECT_EQ(got.objective.gamma, 0.8);
  EXPECT_EQ(got.objective.beta, 0.3);
  EXPECT_EQ(got.objective.preference, 0.4);
  EXPECT_EQ(got.objective.likelihood, 0.5);
  EXPECT_EQ(got.objective.prompt, 0.6);
  EXPECT_EQ(got.train.rank, 7);
  EXPECT_EQ(got.train.alpha, 9);
  EXPECT_THAT(got.train.targets, ElementsAre("q_proj", "v_proj"));
  EXPECT_FALSE(got.train.full);
  EXPECT_EQ(got.train.learning_rate, 0.01);
  EXPECT_EQ(got.train.schedule, Schedule::kLinear);
  EXPECT_EQ(got.train.warmup, 0.2);
  EXPECT_EQ(got.train.clip, 3);
  EXPECT_EQ(got.train.weight_decay, 0.7);
  EXPECT_EQ(got.train.batch, 5);
  EXPECT_EQ(got.train.shard, 2);
  EXPECT_EQ(got.train.epochs, 3);
  EXPECT_EQ(got.train.average, 0.9);
  EXPECT_EQ(got.train.seed, 11U);
  EXPECT_FALSE(got.train.shuffle);
  EXPECT_EQ(got.train.checkpoint_every, 13);
  EXPECT_EQ(got.train.device, "cuda:1");
  EXPECT_TRUE(got.train.recompute);
  EXPECT_EQ(got.train.dropout, 0.05);
}

TEST_F(RecipeFile, DivergenceIsTheSigmoidOfTheFirstTokensThatDiffer) {
  const Recipe got = read(std::string(kData) + "[objective]\nterm = \"divergence\"\n");
  EXPECT_EQ(got.objective.term, PreferenceTerm::kSigmoid);
  EXPECT_EQ(got.objective.compared, ComparedTokens::kFirst);
}

TEST_F(RecipeFile, KtosKeysAreRead) {
  const Recipe got = read(std::string(kData) +
                              "reference_cache = \"c\"\n[objective]\nbeta = 0.3\npreference = 2\n"
                              "desirable = 1.5\nundesirable = 0.5\nlikelihood = 0\nprompt = 0\n",
                          Method::kKto);
  EXPECT_EQ(got.method, Method::kKto);
  EXPECT_EQ(got.reference_cache, folder_ / "recipes/c");
  EXPECT_EQ(got.objective.beta, 0.3);
  EXPECT_EQ(got.objective.preference, 2);
  EXPECT_EQ(got.objective.desirable, 1.5);
  EXPECT_EQ(got.objective.undesirable, 0.5);
  for (const char* key : {"term", "compare", "gamma"})
    EXPECT_THAT(refusal(std::string(kData) + "[objective]\n" + key + " = 1\n", Method::kKto),
                HasSubstr(std::string("unknown key '") + key));
  EXPECT_THAT(refusal(std::string(kData) + "[objective]\ndesirable = -1\n", Method::kKto),
              HasSubstr("desirable and undesirable must not be negative"));
  EXPECT_THAT(refusal(std::string(kData) + "[train]\nbatch = 1\n", Method::kKto),
              HasSubstr("batch must be at least 2"));
  EXPECT_THAT(refusal(std::string(kData) + "[objective]\ndesirable = 1\n"),
              HasSubstr("unknown key 'desirable'"));
}

TEST_F(RecipeFile, MeasuringHeldOutPairsIsRead) {
  const Recipe got = read(std::string(kData) +
                          "[evaluate]\nevery = 20\nbest = \"rewards/margins\"\npatience = 3\n");
  EXPECT_EQ(got.evaluate.every, 20);
  EXPECT_EQ(got.evaluate.best, "rewards/margins");
  EXPECT_EQ(got.evaluate.patience, 3);
  EXPECT_EQ(read(std::string(kData) + "[evaluate]\nevery = 20\nbest = \"loss\"\n", Method::kSft)
                .evaluate.best,
            "loss");
  EXPECT_THAT(refusal(std::string(kData) + "[evaluate]\nevery = 2\nbest = \"rewards/margins\"\n",
                      Method::kSft),
              HasSubstr("known: loss, loss/likelihood)"));
}

TEST_F(RecipeFile, AFullFineTuneHasNoAdapter) {
  EXPECT_TRUE(read(std::string(kData) + "[train]\nfull = true\n").train.full);
  EXPECT_THAT(refusal(std::string(kData) + "[train]\nfull = true\n[adapter]\nrank = 4\n"),
              HasSubstr("[train] full = true trains no adapter: remove [adapter]"));
}

TEST_F(RecipeFile, ItsPathsAreRelativeToItself) {
  const Recipe got = read(
      "[data]\nbase = \"../models/base\"\npairs = \"/elsewhere/pairs.jsonl\"\nout = \"./out\"\n");
  EXPECT_EQ(got.base, folder_ / "models/base");
  EXPECT_EQ(got.pairs, "/elsewhere/pairs.jsonl");
  EXPECT_EQ(got.out, folder_ / "recipes/out");
}

TEST_F(RecipeFile, FlagsWinAndAreRelativeToTheWorkingFolder) {
  const Recipe got =
      read(kData, Method::kDpo, {.base = "b2", .pairs = "p2", .out = "o2", .usual_base = "unused"});
  EXPECT_EQ(got.base, "b2");
  EXPECT_EQ(got.pairs, "p2");
  EXPECT_EQ(got.out, "o2");
}

TEST_F(RecipeFile, TheUsualBaseStandsInForOneThatNobodyNames) {
  const RecipeFlags flags{.base = "", .pairs = "", .out = "", .usual_base = "/usual"};
  EXPECT_EQ(read("[data]\npairs = \"p\"\nout = \"o\"\n", Method::kDpo, flags).base, "/usual");
  EXPECT_EQ(read(kData, Method::kDpo, flags).base, folder_ / "recipes/b");
}

TEST_F(RecipeFile, TheOnesThatAreInstalledAreGood) {
  for (const Method method : {Method::kDpo, Method::kSft, Method::kKto}) {
    const std::string file =
        STROP_SOURCE_DIR "/trainer/recipes/" + std::string(method_name(method)) + ".toml";
    const Recipe got = read_recipe(file, method, {.base = "b", .pairs = "p", .out = "o"});
    EXPECT_EQ(got.train.average, 0.75) << file;
    EXPECT_EQ(got.objective.preference, method == Method::kSft ? 0 : 0.125) << file;
  }
}

// The control differs by the preference term alone.
TEST_F(RecipeFile, ThoseForLargeModelsAreGoodAndGoTogether) {
  std::vector<nlohmann::json> all;
  for (const Method method : {Method::kDpo, Method::kSft, Method::kKto}) {
    const std::string file =
        STROP_SOURCE_DIR "/trainer/recipes/" + std::string(method_name(method)) + "-large.toml";
    const Recipe got = read_recipe(file, method, {.base = "b", .pairs = "p", .out = "o"});
    EXPECT_EQ(got.context, 2048) << file;
    EXPECT_LE(got.train.learning_rate, 1e-4) << file;
    EXPECT_LE(got.train.rank, 16) << file;  // vLLM's default
    all.push_back(recipe_to_json(got));
    for (const char* key :
         {"method", "term", "compare", "beta", "preference", "desirable", "undesirable"})
      all.back().erase(key);
  }
  EXPECT_EQ(all.at(0), all.at(1));
  EXPECT_EQ(all.at(0), all.at(2));
}

struct Fault {
  const char* text;    // behind [data]'s three paths
  const char* key;     // that is named
  const char* may_be;  // what is said that it may be
};

TEST_F(RecipeFile, WhatIsWrongIsNamedWithFileAndKeyAndWhatItMayBe) {
  const Fault kFaults[] = {
      {"cotnext = 9", "[data]: unknown key 'cotnext'",
       "known: base, context, fim, out, pairs, reference_cache"},
      {"[objective]\ngamma = 1", "[objective]: unknown key 'gamma'", "beta, compare"},
      {"[adapter]\nr = 1", "[adapter]: unknown key 'r'", "alpha, dropout, rank, targets"},
      {"[train]\nrate = 1", "[train]: unknown key 'rate'", "learning_rate"},
      {"[trian]\nseed = 1", "unknown key 'trian'", "adapter, data, evaluate, objective, train"},
      {"context = \"long\"", "[data]: 'context'", "a whole number"},
      {"context = 99.5", "[data]: 'context'", "a whole number"},
      {"context = true", "[data]: 'context'", "a whole number"},
      {"fim = 3", "[data]: 'fim'", "a string"},
      {"fim = \"gpt\"", "[data] fim 'gpt'", "known: strop, qwen, starcoder2, deepseek"},
      {"[objective]\nbeta = \"x\"", "[objective]: 'beta'", "a number"},
      {"[adapter]\ntargets = \"q_proj\"", "[adapter]: 'targets'", "a list of strings"},
      {"[adapter]\ntargets = [1]", "[adapter]: 'targets'", "a list of strings"},
      {"[train]\nfull = 1", "[train]: 'full'", "true or false"},
      {"[train]\nseed = -1", "[train]: 'seed'", "a whole number, 0 or more"},
      {"[train]\nschedule = \"step\"", "[train] schedule 'step'", "constant, linear, cosine"},
      {"context = 15", "[data] context", "at least 16 tokens"},
      {"[objective]\nbeta = 0", "[objective] beta", "positive"},
      {"[objective]\nterm = \"orpo\"", "[objective] term 'orpo'", "sigmoid, robust, hinge"},
      {"[objective]\ncompare = \"some\"", "[objective] compare 'some'", "all, edited, first"},
      {"[objective]\nterm = \"divergence\"\ncompare = \"all\"", "\"divergence\"", "remove compare"},
      {"[objective]\nterm = \"simpo\"\ngamma = -1", "[objective] gamma", "not be negative"},
      {"[objective]\npreference = -1", "[objective] weights", "not be negative"},
      {"[objective]\nlikelihood = -1", "[objective] weights", "not be negative"},
      {"[objective]\nprompt = -1", "[objective] weights", "not be negative"},
      {"[objective]\nlikelihood = 0\npreference = 0", "[objective] likelihood", "nothing to learn"},
      {"[adapter]\nrank = 0", "[adapter] rank", "positive"},
      {"[adapter]\ndropout = 1.0", "[adapter] dropout", "below 1"},
      {"[adapter]\nalpha = 0", "[adapter] alpha", "positive"},
      {"[adapter]\ntargets = []", "[adapter] targets", "such as q_proj"},
      {"[train]\nlearning_rate = 0", "[train] learning_rate", "positive"},
      {"[train]\nwarmup = 1.5", "[train] warmup", "0 to 1"},
      {"[train]\nclip = -1", "[train] clip", "not be negative"},
      {"[train]\nweight_decay = -1", "weight_decay", "not be negative"},
      {"[train]\nbatch = 0", "[train] batch", "positive"},
      {"[train]\nshard = 0", "shard", "positive"},
      {"[train]\nepochs = 0", "epochs", "positive"},
      {"[train]\ncheckpoint_every = 0", "checkpoint_every", "positive"},
      {"[evaluate]\nevry = 1", "[evaluate]: unknown key 'evry'", "best, every, patience"},
      {"[evaluate]\nevery = -1", "[evaluate] every", "not be negative"},
      {"[evaluate]\nbest = \"loss\"", "[evaluate] every", "best and patience need it"},
      {"[evaluate]\nevery = 1\npatience = 1", "[evaluate] patience", "name it as best"},
      {"[evaluate]\nevery = 1\nbest = \"lost\"", "[evaluate] best 'lost'",
       "loss, loss/likelihood, loss/preference, rewards/accuracies, rewards/margins"},
      {"[train]\naverage = 0", "[train] average", "above 0 and at most 1"},
      {"[train]\naverage = 1.1", "[train] average", "above 0 and at most 1"},
  };
  for (const Fault& fault : kFaults)
    EXPECT_THAT(refusal(std::string(kData) + fault.text),
                AllOf(HasSubstr(file_), HasSubstr(fault.key), HasSubstr(fault.may_be)))
        << fault.text;
}

TEST_F(RecipeFile, WhatIsMissingIsNamedWithItsFlag) {
  EXPECT_THAT(refusal(""), HasSubstr("[data] base, or --base"));
  EXPECT_THAT(refusal("[data]\nbase = \"b\""), HasSubstr("[data] pairs, or --pairs"));
  EXPECT_THAT(refusal("[data]\nbase = \"b\"\npairs = \"p\""), HasSubstr("[data] out, or --out"));
}

TEST_F(RecipeFile, SftKnowsNoPreference) {
  EXPECT_EQ(read(kData, Method::kSft).objective.preference, 0);
  for (const char* key : {"beta", "preference", "term", "compare", "gamma"})
    EXPECT_THAT(refusal(std::string(kData) + "[objective]\n" + key + " = 1\n", Method::kSft),
                HasSubstr(std::string("unknown key '") + key));
  EXPECT_THAT(refusal(std::string(kData) + "[objective]\nlikelihood = 0\n", Method::kSft),
              HasSubstr("nothing to learn"));
}

TEST_F(RecipeFile, NoTomlNoFileAndAFolderAreToldApart) {
  EXPECT_THAT(refusal("[data]\nbase = \n"), HasSubstr(file_ + ":2: "));
  const auto said = [](const std::string& file) -> std::string {
    try {
      read_recipe(file, Method::kDpo, {});
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(said(folder_.path()), HasSubstr("is a folder; name the TOML file in it"));
  EXPECT_THAT(said(folder_ / "none.toml"),
              AllOf(HasSubstr("none.toml: No such file"), HasSubstr("name a TOML file")));
}

// Checkpoints are told apart by it: each thing that decides what is computed must show.
TEST_F(RecipeFile, ItsFingerprintShowsWhateverChangesTheResult) {
  const auto plain = recipe_to_json(read(kData));
  for (const char* change : {"context = 99",
                             "fim = \"qwen\"",
                             "[objective]\nbeta = 0.3",
                             "[objective]\npreference = 1",
                             "[objective]\nlikelihood = 2",
                             "[objective]\nprompt = 2",
                             "[adapter]\nrank = 3",
                             "[adapter]\ndropout = 0.1",
                             "[adapter]\nalpha = 3",
                             "[adapter]\ntargets = [\"q_proj\"]",
                             "[train]\nfull = true",
                             "[train]\nlearning_rate = 1",
                             "[train]\nschedule = \"linear\"",
                             "[train]\nwarmup = 0.5",
                             "[train]\nclip = 2",
                             "[train]\nweight_decay = 1",
                             "[train]\nbatch = 3",
                             "[train]\nshard = 3",
                             "[train]\nepochs = 5",
                             "[train]\naverage = 1",
                             "[train]\nseed = 9",
                             "[train]\nshuffle = false",
                             "[train]\nprecision = 'bfloat16'",
                             "[evaluate]\nevery = 9"})
    EXPECT_NE(recipe_to_json(read(std::string(kData) + change)), plain) << change;
  EXPECT_NE(recipe_to_json(read(kData, Method::kSft)), plain);
  for (const char* change : {"desirable", "undesirable"})
    EXPECT_NE(
        recipe_to_json(read(std::string(kData) + "[objective]\n" + change + " = 3", Method::kKto)),
        recipe_to_json(read(kData, Method::kKto)))
        << change;
  EXPECT_EQ(recipe_to_json(
                read(std::string(kData) + "[train]\ncheckpoint_every = 7\ndevice = \"cpu\"\n")),
            plain);
}

}  // namespace
}  // namespace strop::trainer
