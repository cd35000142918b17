// What waits joins what is computed where there is room for it.
#include "trainer/serve/engine.h"

#include <gtest/gtest.h>

#include <chrono>

#include "trainer/loaded_model.h"
#include "trainer/threads.h"

namespace strop::trainer {
namespace {

using std::chrono::milliseconds;

class Waiting : public testing::Test {
 protected:
  BatchJob job(std::int64_t max_tokens) const {
    BatchJob out;
    out.prompt = model_.tokenizer.encode("import os\nimport ");
    out.options.max_tokens = max_tokens;
    out.row_bytes = most_row_bytes(model_.decoder, out);
    return out;
  }

  // Whether the second of two requests is answered while the first is still computed.
  bool computes_two_at_once(std::size_t batch_bytes) {
    Engine engine(std::make_shared<const ServedModel>(ServedModel{model_.decoder, "tiny"}),
                  model_.tokenizer, {.batch_bytes = batch_bytes}, counts_);
    const auto first = engine.submit(engine.model(), job(200));
    const auto second = engine.submit(engine.model(), job(1));
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    bool ended = false;
    while (!ended && std::chrono::steady_clock::now() < until)
      ended = (*second)->take(milliseconds(50)).ended;
    EXPECT_TRUE(ended);
    return !(*first)->take(milliseconds(0)).ended;
  }

  LoadedModel model_ = load_model(STROP_SOURCE_DIR "/models/strop-tiny", "");
  Counts counts_;
};

TEST_F(Waiting, ARequestJoinsOnceItsKeysAndValuesFitBesideTheOthers) {
  use_shard_threads();
  const std::size_t both = job(200).row_bytes + job(1).row_bytes;
  EXPECT_TRUE(computes_two_at_once(both));
  EXPECT_FALSE(computes_two_at_once(both - 1));
}

}  // namespace
}  // namespace strop::trainer
