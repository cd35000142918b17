// A run's folder that is not what it should be: each fault has a clear error, and the last good
// checkpoint stays whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <functional>

#include "honing.h"
#include "program.h"
#include "trainer/checkpoint.h"
#include "trainer/hone.h"
#include "trainer/threads.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kTrain = "epochs = 20\nbatch = 4\nshard = 2\ncheckpoint_every = 2\n";
constexpr const char* kFiles[] = {"model.safetensors", "optimizer.safetensors", "state.json",
                                  "SHA256SUMS"};

// A run that was cut off in the middle, and one that was not; every test has a copy of the former.
class RunFolder : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    use_shard_threads();
    honing_ = new Honing(kTrain);
    hone(recipe_of(honing_->out("whole")), 2);
    Honing::Process half = honing_->start("half");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!fs::exists(honing_->out("half") + "/checkpoint") && !half.ended() &&
           std::chrono::steady_clock::now() < deadline)
      ::poll(nullptr, 0, 1);
    half.kill();
    ASSERT_EQ(half.wait(), 128 + SIGKILL);
  }
  static void TearDownTestSuite() {
    delete honing_;
    honing_ = nullptr;
  }

  RunFolder() {
    fs::remove_all(out_);
    fs::copy(honing_->out("half"), out_, fs::copy_options::recursive);
    fs::remove_all(checkpoint_ + ".new");  // if the kill left one
  }

  static Recipe recipe_of(const std::string& out) {
    return read_recipe(honing_->recipe(), Method::kDpo,
                       {.base = Honing::base(), .pairs = honing_->pairs(), .out = out});
  }
  Recipe recipe() const { return recipe_of(out_); }

  // What it says as it refuses.
  static std::string refusal(const Recipe& recipe) {
    try {
      hone(recipe, 1);
    } catch (const std::exception& error) {
      EXPECT_FALSE(fs::exists(recipe.out + "/adapter_model.safetensors"));
      return error.what();
    }
    return "nothing was refused";
  }

  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::directory_iterator(checkpoint_))
      out[entry.path().filename()] = read_bytes(entry.path());
    return out;
  }

  void expect_it_goes_on_to_the_same_end() const {
    hone(recipe(), 1);
    EXPECT_TRUE(honing_->adapter("whole") == honing_->adapter("copy"));
  }

  static Honing* honing_;
  const std::string out_ = honing_->out("copy");
  const std::string checkpoint_ = out_ + "/checkpoint";
};
Honing* RunFolder::honing_ = nullptr;

// A limit of file sizes, between those of the checkpoint's two files of tensors, is a full disk.
TEST_F(RunFolder, ADiskThatIsFullAtTheCheckpoint) {
  const auto before = files();
  const std::size_t limit = before.at("model.safetensors").size() / 512 + 8;
  ASSERT_LT(limit * 512, before.at("optimizer.safetensors").size());
  auto words = honing_->command("copy");
  words.erase(words.begin());
  const Outcome full = run_trainer(words, "trap '' XFSZ; ulimit -f " + std::to_string(limit) + ";");
  EXPECT_EQ(full.code, 1);
  EXPECT_THAT(full.err, AllOf(HasSubstr(checkpoint_ + ".new/optimizer.safetensors"),
                              HasSubstr("is the disk full?")));
  EXPECT_EQ(files(), before);
  EXPECT_FALSE(fs::exists(checkpoint_ + ".new"));  // it would only take room
  expect_it_goes_on_to_the_same_end();
}

TEST_F(RunFolder, ACheckpointThatWasCutOffOrAltered) {
  struct Damage {
    const char* what;
    std::function<void(std::string&)> to;
  };
  const Damage kDamages[] = {
      {"cut off", [](std::string& bytes) { bytes.resize(bytes.size() / 2); }},
      {"emptied", [](std::string& bytes) { bytes.clear(); }},
      {"one bit", [](std::string& bytes) {
         char& one = bytes[bytes.size() * 3 / 4];
         one = static_cast<char>(one ^ 1);
       }}};
  const auto whole = files();
  for (const char* name : kFiles) {
    for (const Damage& damage : kDamages) {
      SCOPED_TRACE(std::string(name) + " " + damage.what);
      std::string bytes = whole.at(name);
      damage.to(bytes);
      write_bytes(checkpoint_ + "/" + name, bytes);
      const auto before = files();
      EXPECT_THAT(refusal(recipe()),
                  AllOf(HasSubstr("the checkpoint " + checkpoint_ + " cannot be used"),
                        HasSubstr(name), HasSubstr("Delete that folder to start the run afresh")));
      EXPECT_EQ(files(), before);
      write_bytes(checkpoint_ + "/" + name, whole.at(name));
    }
    fs::rename(checkpoint_ + "/" + name, out_ + "/aside");
    EXPECT_THAT(refusal(recipe()), HasSubstr(std::string(name) + " is missing"));
    fs::rename(out_ + "/aside", checkpoint_ + "/" + name);
  }
  expect_it_goes_on_to_the_same_end();
}

TEST_F(RunFolder, AnotherRecipeOtherPairsAnotherBase) {
  const auto before = files();
  const auto expect_refused = [&](const Recipe& other, const std::string& what) {
    EXPECT_THAT(refusal(other), AllOf(HasSubstr(checkpoint_ + " is of another run"),
                                      HasSubstr("(not the same: " + what + ")"),
                                      HasSubstr("delete it, or choose another --out")));
    EXPECT_EQ(files(), before);
  };
  Recipe other = recipe();
  other.objective.beta = 0.2;
  other.train.seed = 2;
  expect_refused(other, "recipe.beta, recipe.seed");

  other = recipe();
  other.pairs = honing_->out("other.jsonl");
  const std::string pairs = Honing::some_pairs();
  write_bytes(other.pairs, pairs.substr(pairs.find('\n') + 1));
  expect_refused(other, "pairs");

  other = recipe();
  other.base = honing_->out("base");
  fs::copy(Honing::base(), other.base);
  auto tensors = read_safetensors(other.base + "/model.safetensors").value();
  tensors.at("model.norm.weight") = tensors.at("model.norm.weight") * 1.001;
  write_safetensors(other.base + "/model.safetensors", tensors, {{"format", "pt"}});
  expect_refused(other, "base");

  expect_it_goes_on_to_the_same_end();
}

TEST_F(RunFolder, ALossThatIsNoNumberLeavesNoSuchWeightsBehind) {
  for (const double rate : {1e30, 1e39}) {
    SCOPED_TRACE(rate);
    fs::remove_all(out_);
    Recipe steep = recipe();
    steep.train.learning_rate = rate;
    steep.train.warmup = 0.5;
    steep.train.checkpoint_every = 1;
    EXPECT_THAT(refusal(steep), AllOf(HasSubstr("no longer a number at step"),
                                      HasSubstr("lower [train] learning_rate")));
    const auto left = load_checkpoint(checkpoint_);
    ASSERT_TRUE(left) << left.error();
    for (const auto& [name, tensor] : *left ? (**left).model : NamedTensors{})
      EXPECT_TRUE(torch::isfinite(tensor).all().item<bool>()) << name;
  }
}

}  // namespace
}  // namespace strop::trainer
