// Encoding text files: bytes a second of one thread, beside the Hugging Face library's on the same
// files (peers/time_tokenizers.py).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bench/trainer_speeds.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kGoal = 1.5;
constexpr int kRounds = 5;

// In the order of their paths, as time_tokenizers.py reads them.
std::vector<std::string> read_corpus(const std::string& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const fs::path& path : paths) {
    std::ifstream in(path, std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  if (texts.empty()) throw std::runtime_error(folder + " has no files to encode");
  return texts;
}

trainer::Tokenizer loaded(const std::string& path) {
  auto tokenizer = trainer::Tokenizer::load(path);
  if (!tokenizer) throw std::runtime_error(tokenizer.error());
  return std::move(*tokenizer);
}

double encode_all(const trainer::Tokenizer& tokenizer, const std::vector<std::string>& texts,
                  std::size_t& tokens) {
  std::size_t bytes = 0;
  const double begin = thread_cpu_seconds();
  for (const std::string& text : texts) {
    tokens += tokenizer.encode_with_added(text).size();
    bytes += text.size();
  }
  return static_cast<double>(bytes) / (thread_cpu_seconds() - begin) / 1e6;
}

struct Reference {
  double speed = 0;  // MB/s
  std::size_t tokens = 0;
};

// The fastest of the library's ways to encode.
Reference reference_of(const TrainerSetup& setup) {
  const std::string result = setup.file("tokenizers.json");
  setup.run_script("time_tokenizers.py",
                   {setup.texts().tokenizer, setup.texts().folder, "--out", result});
  const auto told = nlohmann::json::parse(std::ifstream(result));
  return {told.at("speed").get<double>(), told.at("tokens").get<std::size_t>()};
}

}  // namespace

void measure_tokenizer(const TrainerSetup& setup, Report& report) {
  const std::vector<std::string> texts = read_corpus(setup.texts().folder);
  std::vector<double> first;
  std::vector<double> warm;
  std::size_t tokens = 0;
  std::size_t entries = 0;
  for (int round = 0; round < kRounds; ++round) {
    const trainer::Tokenizer tokenizer = loaded(setup.texts().tokenizer);  // no piece is cached
    entries = tokenizer.vocab_size();
    tokens = 0;
    first.push_back(encode_all(tokenizer, texts, tokens));
    std::size_t again = 0;
    warm.push_back(encode_all(tokenizer, texts, again));
  }
  const std::string bench = "tokenizer, " + std::to_string(entries) + " entries";
  report.add({bench, "encoding, first time", median(first), "MB/s", "", {}, "", true});
  if (!setup.has_peers()) {
    report.add({bench, "encoding", median(warm), "MB/s", "", {}, "", true});
    return;
  }
  const Reference reference = reference_of(setup);
  if (reference.tokens != tokens)
    throw std::runtime_error("the reference made " + std::to_string(reference.tokens) +
                             " tokens of the corpus, we " + std::to_string(tokens));
  const double ratio = median(warm) / reference.speed;
  report.add({bench, "encoding", median(warm), "MB/s", "Hugging Face tokenizers", ratio,
              ">= 1.5x, one thread", ratio >= kGoal});
}

}  // namespace strop::bench
