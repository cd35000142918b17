#include <filesystem>
#include <memory>
#include <stdexcept>

#include "trainer/checkpoint.h"
#include "trainer/command.h"
#include "trainer/digest.h"
#include "trainer/loaded_model.h"
#include "trainer/model_folder.h"
#include "trainer/safetensors.h"
#include "trainer/settings.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string model;
  std::string adapter;
  std::string out;
  std::string dtype = "float32";
  std::string config;
};

std::string digest_of(const NamedTensors& tensors) {
  Digest digest;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor plain = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    digest.add(name);
    digest.add({static_cast<const char*>(plain.data_ptr()),
                static_cast<std::size_t>(plain.numel()) * sizeof(float)});
  }
  return digest.hex();
}

std::string card(const Options& options, const std::string& model, const std::string& base,
                 const std::string& merged) {
  return "# " + fs::path(options.out).filename().string() +
         "\n\nA base model with an adapter merged in, written by `strop-trainer export`.\n\n"
         "| | |\n|---|---|\n"
         "| base | " +
         model + ", SHA-256 of its weights " + base +
         " |\n"
         "| adapter | " +
         options.adapter +
         " |\n"
         "| merged weights | SHA-256 " +
         merged + " (before conversion to " + options.dtype + ") |\n";
}

// What is in OUT is gone again unless it was finished: half a model is none, and the next try wants
// an empty folder.
class Unfinished {
 public:
  explicit Unfinished(const std::string& out) : out_(out), existed_(fs::exists(out)) {
    fs::create_directories(out);
  }
  ~Unfinished() {
    if (finished_) return;
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(out_, ignored))
      fs::remove(entry, ignored);
    if (!existed_) fs::remove(out_, ignored);
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void finish() { finished_ = true; }

 private:
  fs::path out_;
  bool existed_;
  bool finished_ = false;
};

void export_merged(const Options& options) {
  if (fs::exists(options.out) && !fs::is_empty(options.out))
    throw std::invalid_argument("--out " + options.out + " is not empty; name a new folder");
  const std::string base = model_folder(options.model, read_settings(options.config));
  const LoadedModel model = load_model(base, options.adapter);
  const NamedTensors merged = model.decoder.merged_tensors();
  NamedTensors written;
  for (const auto& [name, tensor] : merged)
    written[name] =
        options.dtype == "bfloat16" ? tensor.detach().to(torch::kBFloat16) : tensor.detach();
  Unfinished folder(options.out);
  write_safetensors(options.out + "/model.safetensors", written, {{"format", "pt"}});
  write_beside_weights(base, options.out, options.dtype);
  write_file(options.out + "/README.md",
             card(options, base, digest_of(model.decoder.tensors()), digest_of(merged)));
  folder.finish();
}

}  // namespace

void register_export(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("export", "merge an adapter into its base: a model folder for any engine");
  command->add_option("--model", options->model, "the base");
  command->add_option("--adapter", options->adapter, "adapter folder")->required();
  command->add_option("--out", options->out, "the folder to write")->required();
  command->add_option("--dtype", options->dtype, "of the weights written")
      ->check(CLI::IsMember({"float32", "bfloat16"}));
  command->add_option("--config", options->config, kConfigHelp);
  command->callback([options, &action] {
    action = [options] {
      export_merged(*options);
      return 0;
    };
  });
}

}  // namespace strop::trainer
