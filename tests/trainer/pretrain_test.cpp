// Pre-training end to end on a toy corpus: it learns, it resumes bit for bit, and it explains
// itself.
#include "trainer/pretrain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "temporary_folder.h"
#include "trainer/checkpoint.h"
#include "trainer/model/decoder.h"
#include "trainer/threads.h"
#include "trainer/tokenizer/bpe_trainer.h"

namespace strop::trainer {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const std::vector<std::string> kSpecials = {"<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>",
                                            "<|fim_middle|>", "<|fim_pad|>"};

// A corpus that a small model can learn: functions that follow one pattern.
std::string toy_source(int seed) {
  std::string out;
  for (int i = 0; i < 30; ++i) {
    const std::string name = "value_" + std::to_string((seed * 7 + i) % 10);
    out += "def get_" + name + "(self):\n    return self." + name + "\n\n";
  }
  return out;
}

class Pretrain : public testing::Test {
 protected:
  static void SetUpTestSuite() { use_shard_threads(); }

  Pretrain() {
    BpeTrainer trainer;
    for (int i = 0; i < 12; ++i) {
      write_bytes(folder_ / ("lib/" + std::to_string(i) + ".py"), toy_source(i));
      trainer.add(toy_source(i));
    }
    write_bytes(folder_ / "tokenizer.json", trainer.train(300, kSpecials).dump());
    write_recipe("");
  }

  void write_recipe(const std::string& train) {
    write_bytes(folder_ / "recipe.toml", R"(
[model]
hidden = 32
layers = 1
heads = 2
intermediate = 48
max_positions = 64
[data]
tokenizer = "tokenizer.json"
root = "."
directories = ["lib"]
include = ["*.py"]
heldout_share = 0.2
[train]
tokens = 12_288
context = 32
batch = 8
shard = 4
learning_rate = 1e-2
checkpoint_every = 16
)" + train);
  }
  PretrainRecipe recipe() const { return read_pretrain_recipe(folder_ / "recipe.toml"); }
  std::string refusal(const std::string& toml) {
    write_bytes(folder_ / "bad.toml", toml);
    try {
      read_pretrain_recipe(folder_ / "bad.toml");
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
  std::string failure(const std::string& out) const {
    try {
      pretrain(recipe(), out, 1);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  TemporaryFolder folder_;
};

TEST_F(Pretrain, LearnsAndWritesAModelFolder) {
  pretrain(recipe(), folder_ / "out", 2);
  const json summary = json::parse(read_bytes(folder_ / "out/summary.json"));
  EXPECT_EQ(summary.at("steps"), 48);
  EXPECT_EQ(summary.at("tokens"), 12288);
  // Uniform guessing over the vocabulary costs ln 300 = 5.7 nats a token.
  EXPECT_LT(summary.at("heldout_loss").get<double>(), 3.5);
  const auto model = Decoder::load(folder_ / "out");
  ASSERT_TRUE(model) << model.error();
  EXPECT_EQ(parameter_count(model->config()), summary.at("parameters"));
  ASSERT_TRUE(Tokenizer::load(folder_ / "out"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/checkpoint"));
  std::istringstream lines(read_bytes(folder_ / "out/metrics.jsonl"));
  int steps = 0;
  int heldout = 0;
  for (std::string line; std::getline(lines, line);) {
    const json metric = json::parse(line);
    steps += metric.contains("loss") ? 1 : 0;
    heldout += metric.contains("heldout_loss") ? 1 : 0;
  }
  EXPECT_EQ(steps, 48);
  EXPECT_EQ(heldout, 2);
  EXPECT_THAT(read_bytes(folder_ / "out/heldout.txt"), HasSubstr("lib/"));
}

TEST_F(Pretrain, TheNumberOfThreadsChangesNoBit) {
  pretrain(recipe(), folder_ / "one", 1);
  pretrain(recipe(), folder_ / "three", 3);
  EXPECT_EQ(read_bytes(folder_ / "one/model.safetensors"),
            read_bytes(folder_ / "three/model.safetensors"));
}

// Runs pretrain in a child and kills it -9 once it has written a checkpoint.
void run_and_kill(const PretrainRecipe& recipe, const std::string& out, int after_step) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    pretrain(recipe, out, 1);
    _exit(0);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  int status = 0;
  for (;;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    ASSERT_EQ(waitpid(child, &status, WNOHANG), 0) << "the child ended before it was killed";
    std::ifstream state(out + "/checkpoint/state.json");
    const json parsed = json::parse(state, nullptr, false);
    if (parsed.is_object() && parsed.at("step") >= after_step) break;
    std::this_thread::yield();
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST_F(Pretrain, KilledAndStartedAgainEqualsUninterruptedBitForBit) {
  write_recipe("warmup = 0.1\n");
  PretrainRecipe long_recipe = recipe();
  long_recipe.tokens = 61'440;  // 240 steps: several epochs
  long_recipe.checkpoint_every = 20;
  run_and_kill(long_recipe, folder_ / "killed", 40);
  pretrain(long_recipe, folder_ / "killed", 1);
  pretrain(long_recipe, folder_ / "whole", 1);
  for (const char* name : {"/model.safetensors", "/config.json", "/heldout.txt"})
    EXPECT_EQ(read_bytes(folder_.path() + "/killed" + name),
              read_bytes(folder_.path() + "/whole" + name))
        << name;
  json killed = json::parse(read_bytes(folder_ / "killed/summary.json"));
  json whole = json::parse(read_bytes(folder_ / "whole/summary.json"));
  for (json* summary : {&killed, &whole}) summary->erase("seconds");
  EXPECT_EQ(killed, whole);
  EXPECT_THAT(read_bytes(folder_ / "killed/metrics.jsonl"), HasSubstr("resumed_after_step"));
}

TEST_F(Pretrain, ACheckpointOfAnotherRecipeOrACorruptOneIsRefused) {
  PretrainRecipe long_recipe = recipe();
  long_recipe.tokens = 61'440;
  run_and_kill(long_recipe, folder_ / "out", 16);
  EXPECT_THAT(failure(folder_ / "out"), AllOf(HasSubstr("another recipe"), HasSubstr("delete it")));
  Checkpoint damaged = load_checkpoint(folder_ / "out/checkpoint").value().value();
  damaged.state["step"] = -5;
  save_checkpoint(folder_ / "out/checkpoint", damaged);
  try {
    pretrain(long_recipe, folder_ / "out", 1);
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("out/checkpoint is damaged (state.json: a step"),
                                    HasSubstr("delete it to start afresh")));
  }
  write_bytes(folder_ / "out/checkpoint/optimizer.safetensors", "torn");
  EXPECT_THAT(failure(folder_ / "out"),
              AllOf(HasSubstr("optimizer.safetensors"), HasSubstr("Delete that folder")));
}

TEST_F(Pretrain, WritesBfloat16WhenAsked) {
  write_recipe("dtype = \"bfloat16\"\n");
  PretrainRecipe short_recipe = recipe();
  short_recipe.tokens = 512;
  pretrain(short_recipe, folder_ / "out", 1);
  const auto tensors = read_safetensors(folder_ / "out/model.safetensors");
  ASSERT_TRUE(tensors);
  EXPECT_EQ(tensors->at("model.norm.weight").scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(Decoder::load(folder_ / "out"));
}

TEST_F(Pretrain, RecipesSayWhatIsWrongWithThem) {
  const std::string model = "[model]\nhidden = 32\nlayers = 1\nheads = 2\nintermediate = 48\n";
  const std::string data = "[data]\ntokenizer = \"t\"\nfiles = \"f\"\nheldout = \"h\"\n";
  const std::pair<std::string, const char*> kBad[] = {
      {"[model\n", "bad.toml:1"},
      {model + "colour = 3\n" + data, "unknown key 'colour'"},
      {model + data + "[training]\n", "unknown key 'training'"},
      {model + data + "[train]\nbatch = \"many\"\n", "'batch' must be a whole number"},
      {"[model]\nhidden = 33\nlayers = 1\nheads = 2\nintermediate = 48\n" + data, "hidden"},
      {"[model]\nfamily = \"gpt\"\n" + data, "'gpt' is not supported"},
      {model + "[data]\nfiles = \"f\"\nheldout = \"h\"\n", "needs tokenizer"},
      {model + "[data]\ntokenizer = \"t\"\nheldout = \"h\"\n", "needs files or directories"},
      {model + "[data]\ntokenizer = \"t\"\nfiles = \"f\"\n", "needs heldout or heldout_share"},
      {model + data + "heldout_share = 2.0\n", "heldout_share"},
      {model + data + "fim_rate = 1.5\n", "fim_rate"},
      {model + data + "chunk = 3\n", "chunk"},
      {model + data + "[train]\ncontext = 100000\n", "context"},
      {model + data + "[train]\nbatch = 0\n", "batch"},
      {model + data + "[train]\nlearning_rate = 0.0\n", "learning_rate"},
      {model + data + "[train]\nwarmup = 3.0\n", "warmup"},
      {model + data + "[train]\ndtype = \"int8\"\n", "dtype"},
  };
  for (const auto& [toml, message] : kBad) EXPECT_THAT(refusal(toml), HasSubstr(message)) << toml;
  EXPECT_THROW(read_pretrain_recipe(folder_ / "none.toml"), std::invalid_argument);
}

TEST_F(Pretrain, FaultsOfItsFilesAreExplained) {
  write_bytes(folder_ / "tokenizer.json", BpeTrainer().train(300, {"<|endoftext|>"}).dump());
  EXPECT_THAT(failure(folder_ / "out"), HasSubstr("lacks the special token <|fim_prefix|>"));
  write_bytes(folder_ / "tokenizer.json", R"({"model": {"type": "Unigram"}})");
  EXPECT_THAT(failure(folder_ / "out"), AllOf(HasSubstr("tokenizer.json"), HasSubstr("Unigram")));
}

// --- the stream of tokens ---------------------------------------------------------------------

class EpochTokens : public testing::Test {
 protected:
  EpochTokens() {
    BpeTrainer trainer;
    trainer.add(toy_source(1));
    tokenizer_ = *Tokenizer::from_json(trainer.train(300, kSpecials));
  }
  TokenId id(const char* name) const { return *tokenizer_->special_id(name); }

  std::optional<Tokenizer> tokenizer_;
};

TEST_F(EpochTokens, WithoutFimEachFileFollowsAnEndOfText) {
  const std::vector<std::string> texts = {toy_source(1)};
  const auto tokens = epoch_tokens(texts, *tokenizer_, 0, 100, 1, 0);
  EXPECT_EQ(tokens.front(), id("<|endoftext|>"));
  EXPECT_EQ(tokenizer_->decode(tokens), texts[0]);
  EXPECT_EQ(std::count(tokens.begin(), tokens.end(), id("<|endoftext|>")), 1);
}

TEST_F(EpochTokens, FimHoldsTheWholeTextInPrefixMiddleSuffix) {
  const std::vector<std::string> texts = {toy_source(2) + "tail ünïcödé ✓"};
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    const auto tokens = epoch_tokens(texts, *tokenizer_, 1, 50, seed, 0);
    std::string rebuilt;
    std::size_t at = 1;
    const auto until = [&](TokenId end) {
      std::vector<TokenId> part;
      while (at < tokens.size() && tokens[at] != end) part.push_back(tokens[at++]);
      ++at;
      return tokenizer_->decode(part);
    };
    while (at < tokens.size()) {
      ASSERT_EQ(tokens[at], id("<|fim_prefix|>"));
      ++at;
      const std::string prefix = until(id("<|fim_suffix|>"));
      const std::string suffix = until(id("<|fim_middle|>"));
      const std::string middle = until(id("<|endoftext|>"));
      rebuilt += prefix + middle + suffix;
    }
    EXPECT_EQ(rebuilt, texts[0]);
  }
}

TEST_F(EpochTokens, TheRateIsTheShareOfChunks) {
  std::vector<std::string> texts;
  for (int i = 0; i < 60; ++i) texts.push_back(toy_source(i));
  const auto all = epoch_tokens(texts, *tokenizer_, 1, 100, 1, 0);
  const auto some = epoch_tokens(texts, *tokenizer_, 0.25, 100, 1, 0);
  const auto chunks = [&](const std::vector<TokenId>& tokens) {
    return static_cast<double>(std::count(tokens.begin(), tokens.end(), id("<|fim_middle|>")));
  };
  EXPECT_NEAR(chunks(some) / chunks(all), 0.25, 0.05);
}

TEST_F(EpochTokens, FollowFromSeedAndEpoch) {
  const std::vector<std::string> texts = {toy_source(1), toy_source(2), toy_source(3)};
  const auto tokens = epoch_tokens(texts, *tokenizer_, 0.5, 60, 1, 0);
  EXPECT_EQ(tokens, epoch_tokens(texts, *tokenizer_, 0.5, 60, 1, 0));
  EXPECT_NE(tokens, epoch_tokens(texts, *tokenizer_, 0.5, 60, 1, 1));
  EXPECT_NE(tokens, epoch_tokens(texts, *tokenizer_, 0.5, 60, 2, 0));
}

}  // namespace
}  // namespace strop::trainer
