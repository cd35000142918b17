#include "trainer/model_folder.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "trainer/checkpoint.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCopied[] = {"tokenizer.json",
                                   "tokenizer_config.json",
                                   "special_tokens_map.json",
                                   "generation_config.json",
                                   "added_tokens.json",
                                   "vocab.json",
                                   "merges.txt",
                                   "chat_template.jinja"};

}  // namespace

void write_beside_weights(const std::string& base, const std::string& out,
                          const std::string& dtype) {
  const std::string file = base + "/config.json";
  std::ifstream in(file);
  auto config = nlohmann::ordered_json::parse(in, nullptr, false);
  if (!config.is_object()) throw std::runtime_error("cannot read " + file + ": it is no JSON");
  // transformers has renamed it; a reader of either name must find the same.
  if (config.contains("dtype")) config["dtype"] = dtype;
  if (config.contains("torch_dtype") || !config.contains("dtype")) config["torch_dtype"] = dtype;
  write_file(out + "/config.json", config.dump(2) + "\n");
  for (const char* name : kCopied)
    if (fs::exists(fs::path(base) / name))
      fs::copy_file(fs::path(base) / name, fs::path(out) / name,
                    fs::copy_options::overwrite_existing);
}

}  // namespace strop::trainer
