#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "trainer/checkpoint.h"
#include "trainer/command.h"
#include "trainer/tokenizer/bpe_trainer.h"

namespace strop::trainer {
namespace {

struct Options {
  std::string root = "/";
  std::string files;
  std::string out;
  std::size_t vocab = 2048;
};

int run(const Options& options) {
  std::ifstream list(options.files);
  if (!list)
    throw std::invalid_argument("cannot read " + options.files +
                                ": --files wants a list of files, one path a line");
  BpeTrainer trainer;
  std::size_t files = 0;
  for (std::string line; std::getline(list, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::ifstream in(std::filesystem::path(options.root) / line, std::ios::binary);
    if (!in)
      throw std::runtime_error("cannot read " + line + ", which " + options.files + " names");
    std::ostringstream text;
    text << in.rdbuf();
    trainer.add(text.str());
    ++files;
  }
  const auto tokenizer = trainer.train(
      options.vocab,
      {"<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>"});
  write_file(options.out, tokenizer.dump(1) + "\n");
  std::cerr << "a vocabulary of " << tokenizer["model"]["vocab"].size() << " from " << files
            << " files, written to " << options.out << '\n';
  return 0;
}

}  // namespace

void register_bpe(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("bpe", "train a byte-level BPE tokenizer and write tokenizer.json");
  command->add_option("--files", options->files, "a list of files, one path a line")->required();
  command->add_option("--root", options->root, "what the list's paths are relative to");
  command->add_option("--vocab", options->vocab,
                      "size of the vocabulary, specials and bytes included");
  command->add_option("--out", options->out, "tokenizer.json to write")->required();
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace strop::trainer
