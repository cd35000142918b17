#include "trainer/pretrain.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>

#include "schema/fim.h"
#include "trainer/checkpoint.h"
#include "trainer/device.h"
#include "trainer/digest.h"
#include "trainer/model/decoder.h"
#include "trainer/optim.h"
#include "trainer/progress.h"
#include "trainer/shards.h"
#include "trainer/toml_reader.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;

constexpr const char* kEndOfText = "<|endoftext|>";
constexpr std::int64_t kHeldoutWindows = 256;

void append(std::vector<TokenId>& out, const std::vector<TokenId>& more) {
  out.insert(out.end(), more.begin(), more.end());
}

std::size_t character_start(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U)
    --at;
  return at;
}

// prefix, suffix, middle in PSM order, split at two random characters.
void append_fim(std::string_view chunk, const Tokenizer& tokenizer, std::mt19937_64& random,
                std::vector<TokenId>& out) {
  std::size_t a = character_start(chunk, random() % (chunk.size() + 1));
  std::size_t b = character_start(chunk, random() % (chunk.size() + 1));
  if (a > b) std::swap(a, b);
  append(out, tokenizer.encode({{"<|fim_prefix|>", true},
                                {std::string(chunk.substr(0, a)), false},
                                {"<|fim_suffix|>", true},
                                {std::string(chunk.substr(b)), false},
                                {"<|fim_middle|>", true},
                                {std::string(chunk.substr(a, b - a)), false},
                                {kEndOfText, true}}));
}

void check(const PretrainRecipe& out, const std::string& file) {
  const auto refuse = [&](const std::string& what) {
    throw std::invalid_argument(file + ": " + what);
  };
  if (out.tokenizer.empty()) refuse("[data] needs tokenizer");
  if (out.corpus.files.empty() && out.corpus.directories.empty())
    refuse("[data] needs files or directories");
  if (out.corpus.heldout.empty() && out.corpus.heldout_share <= 0)
    refuse("[data] needs heldout or heldout_share");
  if (out.corpus.heldout_share < 0 || out.corpus.heldout_share > 0.9)
    refuse("[data] heldout_share must lie between 0 and 0.9");
  if (out.fim_rate < 0 || out.fim_rate > 1) refuse("[data] fim_rate must lie between 0 and 1");
  if (out.chunk < 16) refuse("[data] chunk must be at least 16 characters");
  if (out.context < 8 || out.context > out.model.max_positions)
    refuse("[train] context must lie between 8 and [model] max_positions");
  if (out.tokens < 1 || out.batch < 1 || out.shard < 1 || out.checkpoint_every < 1)
    refuse("[train] tokens, batch, shard and checkpoint_every must be positive");
  if (out.learning_rate <= 0) refuse("[train] learning_rate must be positive");
  if (out.weight_decay < 0 || out.clip < 0)
    refuse("[train] weight_decay and clip must not be negative");
  if (out.warmup < 0 || out.warmup > 1) refuse("[train] warmup is a share of the steps, 0 to 1");
  if (out.dtype != "float32" && out.dtype != "bfloat16")
    refuse("[train] dtype must be float32 or bfloat16");
}

// Mean cross-entropy of next tokens: windows [B, T + 1].
Tensor window_loss(const Decoder& model, const Tensor& windows) {
  const std::int64_t length = windows.size(1) - 1;
  const Tensor hidden = model.hidden({windows.narrow(1, 0, length).contiguous()});
  const Tensor logits = model.logits(hidden.reshape({-1, hidden.size(2)}));
  const Tensor next = windows.narrow(1, 1, length).reshape(-1).to(logits.device());
  return torch::nll_loss(torch::log_softmax(logits, 1), next);
}

Tensor windows_of(const std::vector<TokenId>& tokens, const std::vector<std::int64_t>& starts,
                  std::int64_t length) {
  Tensor out = torch::empty({static_cast<std::int64_t>(starts.size()), length}, torch::kInt64);
  auto* to = out.data_ptr<std::int64_t>();
  for (const std::int64_t start : starts) {
    std::copy_n(tokens.begin() + start, length, to);
    to += length;
  }
  return out;
}

class Run {
 public:
  Run(const PretrainRecipe& recipe, const std::string& out, int threads)
      : recipe_(recipe),
        out_(out),
        device_(choose_device(recipe.device)),
        thread_count_(worker_count(device_, threads)),
        tokenizer_(load_tokenizer()),
        model_(Decoder::random(with_vocab(), recipe.seed)) {
    model_.move_to(device_);
    fs::create_directories(out_);
    files_ = select_files(recipe_.corpus);
    texts_ = read_texts(recipe_.corpus.root, files_.train);
    heldout_ = epoch_tokens(read_texts(recipe_.corpus.root, files_.heldout), tokenizer_, 0,
                            recipe_.chunk, recipe_.seed, 0);
    fingerprint_ = fingerprint();
    steps_ = std::max<std::int64_t>(1, recipe_.tokens / (recipe_.batch * recipe_.context));
    for (auto& [name, tensor] : model_.tensors()) {
      names_.push_back(name);
      parameters_.push_back(tensor.set_requires_grad(true));
    }
  }

  void train() {
    shards_.emplace(model_, thread_count_);
    AdamW optimizer(parameters_, {.weight_decay = recipe_.weight_decay});
    std::int64_t step = resume(optimizer);
    Progress progress("pretrain", steps_, step, out_ + "/metrics.jsonl");
    if (step > 0) progress.metric({{"resumed_after_step", step}});
    const auto warmup = static_cast<std::int64_t>(recipe_.warmup * static_cast<double>(steps_));
    for (; step < steps_; ++step) {
      const double loss = batch_loss(next_batch(step), true);
      const double norm = optimizer.clip(recipe_.clip);
      const double rate =
          recipe_.learning_rate * schedule_factor(Schedule::kCosine, step, warmup, steps_, 0.05);
      optimizer.step(rate);
      optimizer.zero_grad();
      report(progress, step + 1, loss, norm, rate);
      if ((step + 1) % recipe_.checkpoint_every == 0 && step + 1 < steps_) {
        save(optimizer, step + 1);
        const double held = heldout_loss();
        progress.say("step " + std::to_string(step + 1) + ": held-out loss " +
                     std::to_string(held));
        progress.metric({{"step", step + 1}, {"heldout_loss", held}});
      }
    }
    finish(progress.seconds());
  }

 private:
  Tokenizer load_tokenizer() const {
    auto tokenizer = Tokenizer::load(recipe_.tokenizer);
    if (!tokenizer) throw std::runtime_error(tokenizer.error());
    for (const char* name : {kEndOfText, "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"})
      if (!tokenizer->special_id(name))
        throw std::runtime_error(recipe_.tokenizer + " lacks the special token " + name +
                                 ": make one with strop-trainer bpe");
    return std::move(*tokenizer);
  }

  ModelConfig with_vocab() {
    recipe_.model.vocab = static_cast<std::int64_t>(tokenizer_.vocab_size());
    return recipe_.model;
  }

  // What must be the same for a checkpoint to be this run's: everything but how often one is
  // written.
  nlohmann::json fingerprint() const {
    Digest corpus;
    for (const std::string& text : texts_) corpus.add(text);
    Digest vocabulary;
    for (std::size_t id = 0; id < tokenizer_.vocab_size(); ++id)
      vocabulary.add(tokenizer_.bytes_of(static_cast<TokenId>(id)));
    return {{"model", config_to_json(recipe_.model)},
            {"corpus", corpus.hex()},
            {"vocabulary", vocabulary.hex()},
            {"tokens", recipe_.tokens},
            {"context", recipe_.context},
            {"batch", recipe_.batch},
            {"shard", recipe_.shard},
            {"learning_rate", recipe_.learning_rate},
            {"weight_decay", recipe_.weight_decay},
            {"clip", recipe_.clip},
            {"warmup", recipe_.warmup},
            {"fim_rate", recipe_.fim_rate},
            {"chunk", recipe_.chunk},
            {"seed", recipe_.seed}};
  }

  // Mean loss of the windows, computed shard by shard; with `learn` its gradients are added to the
  // parameters'.
  double batch_loss(const Tensor& windows, bool learn) {
    const std::int64_t count = windows.size(0);
    const std::int64_t shards = (count + recipe_.shard - 1) / recipe_.shard;
    std::vector<double> losses(static_cast<std::size_t>(shards));
    shards_->run(static_cast<int>(shards), [&](Decoder& model, int shard) {
      const torch::AutoGradMode grad(learn);
      const std::int64_t first = shard * recipe_.shard;
      const std::int64_t size = std::min(recipe_.shard, count - first);
      const Tensor loss = window_loss(model, windows.narrow(0, first, size)) *
                          (static_cast<double>(size) / static_cast<double>(count));
      if (learn) loss.backward();
      losses[static_cast<std::size_t>(shard)] = loss.item<double>();
    });
    return std::accumulate(losses.begin(), losses.end(), 0.0);
  }

  std::int64_t resume(AdamW& optimizer) {
    auto loaded = load_checkpoint(out_ + "/checkpoint");
    if (!loaded) throw std::runtime_error(loaded.error());
    if (!*loaded) return 0;
    const Checkpoint& checkpoint = **loaded;
    if (checkpoint.state.value("recipe", nlohmann::json()) != fingerprint_)
      throw std::runtime_error(
          out_ + "/checkpoint is of another recipe: delete it, or choose another --out");
    torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto found = checkpoint.model.find(names_[i]);
      if (found == checkpoint.model.end())
        throw std::runtime_error(out_ + "/checkpoint lacks '" + names_[i] +
                                 "': delete it to start afresh");
      parameters_[i].copy_(found->second);
    }
    try {
      optimizer.restore(checkpoint.optimizer);
      mean_loss_ = checkpoint.state.value("mean_loss", 0.0);
      const auto step = checkpoint.state.at("step").get<std::int64_t>();
      if (step < 0) throw std::runtime_error("state.json: a step below 0");
      return step;
    } catch (const std::exception& error) {
      throw std::runtime_error(out_ + "/checkpoint is damaged (" + error.what() +
                               "): delete it to start afresh");
    }
  }

  // The batch of a step follows from the step alone: its epoch's tokens, cut into windows, in the
  // epoch's random order.
  Tensor next_batch(std::int64_t step) {
    std::vector<std::int64_t> starts;
    for (std::int64_t i = 0; i < recipe_.batch; ++i) {
      if (order_.empty()) start_epoch(0);
      std::int64_t wanted = step * recipe_.batch + i - epoch_first_;
      while (wanted >= static_cast<std::int64_t>(order_.size())) {
        if (!starts.empty()) break;
        epoch_first_ += static_cast<std::int64_t>(order_.size());
        start_epoch(epoch_ + 1);
        wanted = step * recipe_.batch + i - epoch_first_;
      }
      // A step never mixes two epochs: what is missing at an epoch's end is taken from its
      // beginning.
      starts.push_back(order_[static_cast<std::size_t>(wanted) % order_.size()]);
    }
    return windows_of(tokens_, starts, recipe_.context + 1);
  }

  void start_epoch(std::int64_t epoch) {
    epoch_ = epoch;
    tokens_ =
        epoch_tokens(texts_, tokenizer_, recipe_.fim_rate, recipe_.chunk, recipe_.seed, epoch);
    order_.resize(tokens_.size() > static_cast<std::size_t>(recipe_.context)
                      ? (tokens_.size() - 1) / static_cast<std::size_t>(recipe_.context)
                      : 0);
    if (order_.empty())
      throw std::runtime_error(
          "the corpus has fewer tokens than one window: name more files or a smaller context");
    for (std::size_t i = 0; i < order_.size(); ++i)
      order_[i] = static_cast<std::int64_t>(i) * recipe_.context;
    std::mt19937_64 random(recipe_.seed * 7919 + static_cast<std::uint64_t>(epoch));
    std::shuffle(order_.begin(), order_.end(), random);
  }

  void report(Progress& progress, std::int64_t done, double loss, double norm, double rate) {
    if (!std::isfinite(loss))
      throw std::runtime_error("the loss is no longer a number at step " + std::to_string(done) +
                               ": lower learning_rate");
    mean_loss_ = mean_loss_ == 0 ? loss : 0.98 * mean_loss_ + 0.02 * loss;
    char note[96];
    const double speed =
        static_cast<double>(++fresh_ * recipe_.batch * recipe_.context) / progress.seconds();
    std::snprintf(note, sizeof note, "loss %.3f  %.1fk tokens/s", mean_loss_, speed / 1000);
    progress.step(done, note);
    progress.metric({{"step", done}, {"loss", loss}, {"grad_norm", norm}, {"lr", rate}});
  }

  void save(const AdamW& optimizer, std::int64_t step) const {
    NamedTensors model;
    for (std::size_t i = 0; i < names_.size(); ++i) model[names_[i]] = parameters_[i];
    save_checkpoint(out_ + "/checkpoint",
                    {std::move(model),
                     optimizer.state(),
                     {{"step", step}, {"mean_loss", mean_loss_}, {"recipe", fingerprint_}}});
    write_model();  // so that what there is can be tried already
  }

  double heldout_loss() {
    const auto all = static_cast<std::int64_t>((heldout_.size() - 1) /
                                               static_cast<std::size_t>(recipe_.context));
    const std::int64_t windows = std::min(kHeldoutWindows, all);
    if (windows == 0) return 0;
    std::vector<std::int64_t> starts;
    for (std::int64_t i = 0; i < windows; ++i)
      starts.push_back(i * all / windows * recipe_.context);
    return batch_loss(windows_of(heldout_, starts, recipe_.context + 1), false);
  }

  void write_model() const {
    NamedTensors tensors;
    const auto dtype = recipe_.dtype == "bfloat16" ? torch::kBFloat16 : torch::kFloat32;
    for (auto& [name, tensor] : model_.tensors()) tensors[name] = tensor.detach().to(dtype);
    write_safetensors(out_ + "/model.safetensors", tensors, {{"format", "pt"}});
    nlohmann::json config = config_to_json(recipe_.model);
    config["torch_dtype"] = recipe_.dtype;
    write_file(out_ + "/config.json", config.dump(2) + "\n");
    if (!fs::exists(out_ + "/tokenizer.json") ||
        !fs::equivalent(recipe_.tokenizer, out_ + "/tokenizer.json"))
      fs::copy_file(recipe_.tokenizer, out_ + "/tokenizer.json",
                    fs::copy_options::overwrite_existing);
  }

  void finish(double seconds) {
    write_model();
    std::string names;
    for (const std::string& path : files_.heldout) names += path + "\n";
    write_file(out_ + "/heldout.txt", names);
    const double held = heldout_loss();
    write_file(out_ + "/summary.json",
               nlohmann::json{{"parameters", parameter_count(recipe_.model)},
                              {"files", files_.train.size()},
                              {"heldout_files", files_.heldout.size()},
                              {"epoch_tokens", tokens_.size()},
                              {"steps", steps_},
                              {"tokens", steps_ * recipe_.batch * recipe_.context},
                              {"train_loss", mean_loss_},
                              {"heldout_loss", held},
                              {"seconds", seconds}}
                       .dump(2) +
                   "\n");
    remove_checkpoint(out_ + "/checkpoint");
    std::fprintf(
        stderr,
        "trained %lld parameters on %lld tokens: loss %.3f, held-out loss %.3f; written to %s\n",
        static_cast<long long>(parameter_count(recipe_.model)),
        static_cast<long long>(steps_) * recipe_.batch * recipe_.context, mean_loss_, held,
        out_.c_str());
  }

  PretrainRecipe recipe_;
  std::string out_;
  torch::Device device_;
  int thread_count_;
  Tokenizer tokenizer_;
  Decoder model_;
  std::optional<Shards> shards_;
  CorpusFiles files_;
  std::vector<std::string> texts_;  // of files_.train
  std::vector<TokenId> heldout_;
  nlohmann::json fingerprint_;
  std::int64_t steps_ = 0;
  std::vector<std::string> names_;
  std::vector<Tensor> parameters_;
  std::vector<TokenId> tokens_;
  std::vector<std::int64_t> order_;
  std::int64_t epoch_ = 0;
  std::int64_t epoch_first_ = 0;  // windows in the epochs before this one
  double mean_loss_ = 0;
  std::int64_t fresh_ = 0;
};

}  // namespace

std::vector<TokenId> epoch_tokens(const std::vector<std::string>& texts, const Tokenizer& tokenizer,
                                  double fim_rate, std::int64_t chunk, std::uint64_t seed,
                                  std::int64_t epoch) {
  std::mt19937_64 random(seed + 0x9E3779B97F4A7C15ULL * static_cast<std::uint64_t>(epoch + 1));
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  const TokenId end = *tokenizer.special_id(kEndOfText);
  std::vector<TokenId> out;
  for (const std::size_t index : order) {
    std::string_view rest = texts[index];
    out.push_back(end);
    while (!rest.empty()) {
      // Chunks end at a line, so that plain ones follow each other without a seam in a token.
      std::size_t size = rest.find('\n', std::min(rest.size(), static_cast<std::size_t>(chunk)));
      size = size == std::string_view::npos ? rest.size() : size + 1;
      if (fim_rate > 0 && std::uniform_real_distribution<>(0, 1)(random) < fim_rate)
        append_fim(rest.substr(0, size), tokenizer, random, out);
      else
        append(out, tokenizer.encode(rest.substr(0, size)));
      rest.remove_prefix(size);
    }
  }
  return out;
}

PretrainRecipe read_pretrain_recipe(const std::string& file) {
  const toml::table parsed = read_toml(file);
  PretrainRecipe out;
  TomlReader top(parsed, file);
  const toml::table model_table = top.table("model");
  TomlReader model(model_table, file + ": [model]");
  ModelConfig& config = out.model;
  config.tied_head = true;
  model.read("family", config.family);
  model.read("hidden", config.hidden);
  model.read("layers", config.layers);
  model.read("heads", config.heads);
  config.kv_heads = config.heads;
  model.read("kv_heads", config.kv_heads);
  model.read("intermediate", config.intermediate);
  config.max_positions = 1024;
  model.read("max_positions", config.max_positions);
  model.read("rope_theta", config.rope.theta);
  model.read("tied_head", config.tied_head);
  model.finish();
  if (config.heads > 0 && config.hidden % config.heads != 0)
    throw std::invalid_argument(file + ": [model]: hidden must be a multiple of heads");
  config.head_dim = config.heads > 0 ? config.hidden / config.heads : 0;
  set_family(config, std::string(config.family));
  config.vocab = 1;  // until the tokenizer is read
  if (const auto checked = config_from_json(config_to_json(config)); !checked)
    throw std::invalid_argument(file + ": [model]: " + checked.error());

  const toml::table data_table = top.table("data");
  TomlReader data(data_table, file + ": [data]");
  data.read("tokenizer", out.tokenizer);
  data.read("root", out.corpus.root);
  data.read("files", out.corpus.files);
  data.read("directories", out.corpus.directories);
  data.read("include", out.corpus.include);
  data.read("exclude", out.corpus.exclude);
  data.read("heldout", out.corpus.heldout);
  data.read("heldout_share", out.corpus.heldout_share);
  data.read("fim_rate", out.fim_rate);
  data.read("chunk", out.chunk);
  data.finish();

  const toml::table train_table = top.table("train");
  TomlReader train(train_table, file + ": [train]");
  train.read("tokens", out.tokens);
  train.read("context", out.context);
  train.read("batch", out.batch);
  train.read("shard", out.shard);
  train.read("learning_rate", out.learning_rate);
  train.read("weight_decay", out.weight_decay);
  train.read("clip", out.clip);
  train.read("warmup", out.warmup);
  train.read("seed", out.seed);
  train.read("checkpoint_every", out.checkpoint_every);
  train.read("dtype", out.dtype);
  train.read("device", out.device);
  train.finish();
  top.finish();
  check(out, file);
  // Paths are relative to the recipe.
  const fs::path base = fs::absolute(file).parent_path();
  for (std::string* path :
       {&out.tokenizer, &out.corpus.files, &out.corpus.heldout, &out.corpus.root})
    if (!path->empty()) *path = (base / *path).lexically_normal().string();
  return out;
}

void pretrain(const PretrainRecipe& recipe, const std::string& out, int threads) {
  Run(recipe, out, threads).train();
}

}  // namespace strop::trainer
