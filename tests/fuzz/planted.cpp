// A target with faults planted in it, for the driver's own test: it dies as the input says.
#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "driver.h"

namespace {

// Deeper than any stack. What comes back is used, so that no call is a jump.
int recurse(int depth) {
  std::atomic<int> here = depth;
  return depth < 1 << 28 ? recurse(here + 1) + here : 0;
}

std::uint64_t run(std::string_view input) {
  const auto holds = [input](std::string_view word) {
    return input.find(word) != std::string_view::npos;
  };
  if (holds("[abort]")) std::abort();
  if (holds("[throw]")) throw std::runtime_error("planted");
  if (holds("[segv]")) *static_cast<volatile int*>(nullptr) = 1;
  if (holds("[stack]")) return static_cast<std::uint64_t>(recurse(0));
  // An atomic, since ThreadSanitizer delivers signals at such alone.
  for (std::atomic<bool> forever = holds("[loop]"); forever;) {
  }
  strop::fuzz::require(!holds("ABBA\nABBA"), "no input holds ABBA twice");
  return input.size() % 4;
}

}  // namespace

int main(int argc, char** argv) {
  return strop::fuzz::drive({.run = run, .words = {"AB", "BA"}, .max_size = 32}, argc, argv);
}
