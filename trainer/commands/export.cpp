#include <filesystem>
#include <memory>
#include <stdexcept>

#include "trainer/checkpoint.h"
#include "trainer/command.h"
#include "trainer/digest.h"
#include "trainer/loaded_model.h"
#include "trainer/safetensors.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string model;
  std::string adapter;
  std::string out;
  std::string dtype = "float32";
};

std::string digest_of(const NamedTensors& tensors) {
  Digest digest;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor plain = tensor.detach().to(torch::kFloat32).contiguous();
    digest.add(name);
    digest.add({static_cast<const char*>(plain.data_ptr()),
                static_cast<std::size_t>(plain.numel()) * sizeof(float)});
  }
  return digest.hex();
}

std::string card(const Options& options, const std::string& base, const std::string& merged) {
  return "# " + fs::path(options.out).filename().string() +
         "\n\nA base model with an adapter merged in, written by `strop-trainer export`.\n\n"
         "| | |\n|---|---|\n"
         "| base | " +
         options.model + ", SHA-256 of its weights " + base +
         " |\n"
         "| adapter | " +
         options.adapter +
         " |\n"
         "| merged weights | SHA-256 " +
         merged + " (before conversion to " + options.dtype + ") |\n";
}

void export_merged(const Options& options) {
  if (fs::exists(options.out) && !fs::is_empty(options.out))
    throw std::invalid_argument("--out " + options.out + " is not empty; name a new folder");
  const LoadedModel model = load_model(options.model, options.adapter);
  const NamedTensors merged = model.decoder.merged_tensors();
  NamedTensors written;
  for (const auto& [name, tensor] : merged)
    written[name] =
        options.dtype == "bfloat16" ? tensor.detach().to(torch::kBFloat16) : tensor.detach();
  fs::create_directories(options.out);
  write_safetensors(options.out + "/model.safetensors", written, {{"format", "pt"}});
  nlohmann::json config = config_to_json(model.decoder.config());
  config["torch_dtype"] = options.dtype;
  write_file(options.out + "/config.json", config.dump(2) + "\n");
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "generation_config.json"})
    if (fs::exists(fs::path(options.model) / name))
      fs::copy_file(fs::path(options.model) / name, fs::path(options.out) / name);
  write_file(options.out + "/README.md",
             card(options, digest_of(model.decoder.tensors()), digest_of(merged)));
}

}  // namespace

void register_export(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("export", "merge an adapter into its base: a model folder for any engine");
  command->add_option("--model", options->model, "the base")->required();
  command->add_option("--adapter", options->adapter, "adapter folder")->required();
  command->add_option("--out", options->out, "the folder to write")->required();
  command->add_option("--dtype", options->dtype, "of the weights written")
      ->check(CLI::IsMember({"float32", "bfloat16"}));
  command->callback([options, &action] {
    action = [options] {
      export_merged(*options);
      return 0;
    };
  });
}

}  // namespace strop::trainer
