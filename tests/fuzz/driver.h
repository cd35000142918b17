// Runs a target on a corpus and on what becomes of it by chance; keeps the input that breaks it.
//
//   strop_fuzz_X [--seconds N | --runs N] [--seed S] [--limit S] CORPUS_FOLDER_OR_FILE
//
// Every file is run as it is, then mutated ones until the time or the number of runs is over; with
// neither, the files alone, which is how a crash is seen again. The same seed, files and --runs
// give the same inputs. GCC has no libFuzzer, hence this: no coverage is measured; what a target
// says an input came to stands in for it.
//
// One thread. An input that ends the process (a signal, abort, an uncaught exception, a sanitizer)
// or takes more than --limit seconds of processor time (5) is written to crash-HASH in the current
// folder. Exit codes: 0 done, 2 wrong usage, anything else: a crash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strop::fuzz {

struct Target {
  // Checks what must hold of any input, calling fail() where it does not. Gives what the input came
  // to, in brief: one that comes to something new is kept to be mutated further.
  std::uint64_t (*run)(std::string_view input) = nullptr;
  std::vector<std::string> words;  // of the format, put in at random
  std::size_t max_size = 16u << 10;
};

// What every target's main() returns.
int drive(const Target& target, int argc, char** argv);

// A property does not hold: says so and aborts.
[[noreturn]] void fail(std::string_view what);

inline void require(bool holds, std::string_view what) {
  if (!holds) fail(what);
}

// FNV-1a, 64 bits. For names of files and for what an input came to.
std::uint64_t hash_of(std::string_view bytes);

}  // namespace strop::fuzz
