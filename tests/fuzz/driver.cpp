#include "driver.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>

#include "last_words.h"
#include "mutator.h"

namespace strop::fuzz {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxPool = 2048;

struct Options {
  std::optional<std::uint64_t> seconds, runs, seed;
  std::uint64_t limit = 5;
  fs::path corpus;
};

std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw std::invalid_argument("'" + std::string(text) + "' is no number");
  return value;
}

Options options_of(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("--")) {
      options.corpus = word;
      continue;
    }
    if (++i == argc) throw std::invalid_argument(std::string(word) + " needs a number");
    const std::uint64_t value = number_of(argv[i]);
    if (word == "--seconds")
      options.seconds = value;
    else if (word == "--runs")
      options.runs = value;
    else if (word == "--seed")
      options.seed = value;
    else if (word == "--limit" && value > 0)
      options.limit = value;
    else
      throw std::invalid_argument("unknown option " + std::string(word));
  }
  if (!fs::exists(options.corpus))
    throw std::invalid_argument("there is no corpus '" + options.corpus.string() + "'");
  return options;
}

// By name, so that a seed means the same on every machine.
std::vector<std::string> corpus_of(const fs::path& place) {
  std::vector<fs::path> files;
  if (fs::is_directory(place)) {
    for (const auto& entry : fs::directory_iterator(place))
      if (entry.is_regular_file()) files.push_back(entry.path());
  } else {
    files.push_back(place);
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const fs::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    if (!in) throw std::invalid_argument("cannot read " + file.string());
  }
  return corpus;
}

class Campaign {
 public:
  Campaign(const Target& target, std::uint64_t seed)
      : target_(target), mutator_(seed, target.words, target.max_size) {}

  void run_as_they_are(const std::vector<std::string>& corpus) {
    for (const std::string& input : corpus) {
      came_to_.insert(run(input));
      pool_.push_back(input);
    }
    if (pool_.empty()) pool_.emplace_back();
  }

  void run_mutated() {
    std::string input = pool_[mutator_.below(pool_.size())];
    if (mutator_.below(4) == 0) input = mutator_.splice(input, pool_[mutator_.below(pool_.size())]);
    input = mutator_.mutate(std::move(input));
    if (came_to_.insert(run(input)).second && pool_.size() < kMaxPool)
      pool_.push_back(std::move(input));
  }

  std::uint64_t runs() const { return runs_; }
  std::uint64_t digest() const { return digest_; }

 private:
  std::uint64_t run(const std::string& input) {
    ++runs_;
    digest_ = digest_ * 31 + hash_of(input);
    begin_run(input);
    const std::uint64_t result = target_.run(input);
    end_run();
    return result;
  }

  const Target& target_;
  Mutator mutator_;
  std::vector<std::string> pool_;
  std::set<std::uint64_t> came_to_;
  std::uint64_t runs_ = 0;
  std::uint64_t digest_ = 0;  // of all inputs, in order: equal for equal campaigns
};

void run_campaign(const Target& target, const Options& options,
                  const std::vector<std::string>& corpus) {
  const std::uint64_t seed = options.seed ? *options.seed : std::random_device{}();
  keep_last_words(seed, static_cast<unsigned>(options.limit));
  const Clock::time_point began = Clock::now();
  const auto seconds = [began] {
    return std::chrono::duration<double>(Clock::now() - began).count();
  };
  Campaign campaign(target, seed);
  campaign.run_as_they_are(corpus);
  if (options.runs)
    while (campaign.runs() < *options.runs) campaign.run_mutated();
  else if (options.seconds)
    while (seconds() < static_cast<double>(*options.seconds)) campaign.run_mutated();
  const double took = std::max(seconds(), 1e-6);
  std::printf("fuzz: %llu runs, %.0f runs/s, seed %llu, inputs %016llx\n",
              static_cast<unsigned long long>(campaign.runs()),
              static_cast<double>(campaign.runs()) / took, static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(campaign.digest()));
}

}  // namespace

int drive(const Target& target, int argc, char** argv) {
  Options options;
  std::vector<std::string> corpus;
  try {
    options = options_of(argc, argv);
    corpus = corpus_of(options.corpus);
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr,
                 "fuzz: %s\nusage: %s [--seconds N | --runs N] [--seed S] [--limit S] "
                 "CORPUS_FOLDER_OR_FILE\n",
                 error.what(), argv[0]);
    return 2;
  }
  // Outside of any catch: an exception of the target is a crash as any other.
  run_campaign(target, options, corpus);
  return 0;
}

void fail(std::string_view what) {
  std::fprintf(stderr, "fuzz: does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

}  // namespace strop::fuzz
