// Encoding text files: bytes a second of one thread, beside the Hugging Face library's on the same
// files (time_tokenizers.py).
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "bench/trainer_parts.h"
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

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

struct Reference {
  double speed = 0;  // MB/s
  std::size_t tokens = 0;
};

// The fastest of the library's ways to encode.
Reference reference_of(const TrainerParts& parts) {
  const std::string command =
      quoted(parts.python) + " " +
      quoted(std::string(STROP_SOURCE_DIR) + "/tests/bench/time_tokenizers.py") + " " +
      quoted(parts.tokenizer) + " " + quoted(parts.corpus);
  FILE* out = ::popen(command.c_str(), "r");
  if (out == nullptr) throw std::runtime_error("cannot run " + command);
  Reference said;
  const int fields = std::fscanf(out, "%lf %zu", &said.speed, &said.tokens);
  if (::pclose(out) != 0 || fields != 2) throw std::runtime_error("it failed: " + command);
  return said;
}

}  // namespace

void measure_tokenizer(const TrainerParts& parts, Report& report) {
  const std::vector<std::string> texts = read_corpus(parts.corpus);
  const trainer::Tokenizer fresh = loaded(parts.tokenizer);
  std::vector<double> first;
  std::vector<double> warm;
  std::size_t tokens = 0;
  for (int round = 0; round < kRounds; ++round) {
    const trainer::Tokenizer tokenizer = fresh;  // its cache of pieces is empty
    tokens = 0;
    first.push_back(encode_all(tokenizer, texts, tokens));
    std::size_t again = 0;
    warm.push_back(encode_all(tokenizer, texts, again));
  }
  const std::string name = fs::path(parts.tokenizer).filename().string();
  report.add({"tokenizer", name + ", first time", median(first), "MB/s", "", {}, "", true});
  if (parts.python.empty()) {
    report.add({"tokenizer", name, median(warm), "MB/s", "", {}, "", true});
    return;
  }
  const Reference reference = reference_of(parts);
  if (reference.tokens != tokens)
    throw std::runtime_error("the reference made " + std::to_string(reference.tokens) +
                             " tokens of the corpus, we " + std::to_string(tokens));
  const double ratio = median(warm) / reference.speed;
  report.add({"tokenizer", name, median(warm), "MB/s", "Hugging Face tokenizers", ratio,
              ">= 1.5x, one thread", ratio >= kGoal});
}

}  // namespace strop::bench
