#include "last_words.h"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstring>

#include "driver.h"

// There when a sanitizer is linked. Its own handlers tell what was wrong; they are left in place.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

// UBSan beside ASan has a runtime of its own, which knows no such callback: it is to abort.
extern "C" const char* __ubsan_default_options() { return "abort_on_error=1"; }

namespace strop::fuzz {
namespace {

constexpr int kTicks = 5;  // looks at the clock within the limit

volatile std::sig_atomic_t g_running = 0;
volatile std::sig_atomic_t g_ticks = 0;
const char* volatile g_input = nullptr;
volatile std::size_t g_size = 0;
std::uint64_t g_seed = 0;
std::array<char, PATH_MAX> g_folder{};
alignas(16) std::array<char, 64 << 10> g_stack{};  // a handler's own: the other may be exhausted

// A line built without memory of the heap.
class Line {
 public:
  Line& add(std::string_view text) {
    for (const char c : text)
      if (size_ + 1 < text_.size()) text_[size_++] = c;
    return *this;
  }
  Line& add_number(std::uint64_t value, unsigned base) {
    std::array<char, 20> digits{};
    std::size_t at = digits.size();
    do digits[--at] = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    return add({digits.data() + at, digits.size() - at});
  }
  std::string_view text() const { return {text_.data(), size_}; }
  const char* terminated() const { return text_.data(); }

 private:
  std::array<char, PATH_MAX + 256> text_{};
  std::size_t size_ = 0;
};

void put(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void write_input() {
  if (g_running == 0) return;
  g_running = 0;  // a sanitizer that dies may abort too: once is enough
  const std::string_view input(g_input, g_size);
  Line path;
  path.add(g_folder.data()).add("/crash-").add_number(hash_of(input), 16);
  const int file = ::open(path.terminated(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  Line message;
  message.add(file >= 0 ? "fuzz: the input is in " : "fuzz: cannot write the input to ");
  message.add(path.text()).add(" (seed ").add_number(g_seed, 10).add(")\n");
  if (file >= 0) {
    put(file, input);
    ::close(file);
  }
  put(STDERR_FILENO, message.text());
}

void on_signal(int signal) {
  Line message;
  put(STDERR_FILENO,
      message.add("fuzz: signal ").add_number(static_cast<unsigned>(signal), 10).add("\n").text());
  write_input();
  ::_exit(128 + signal);
}

void on_tick(int) {
  if (g_running == 0) return;
  g_ticks = g_ticks + 1;
  if (g_ticks <= kTicks) return;  // the first came at any moment of its interval
  put(STDERR_FILENO, "fuzz: takes too long\n");
  write_input();
  ::_exit(128 + SIGALRM);
}

void handle(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void keep_last_words(std::uint64_t seed, unsigned limit_seconds) {
  g_seed = seed;
  if (::getcwd(g_folder.data(), g_folder.size()) == nullptr) std::strcpy(g_folder.data(), ".");
  stack_t stack{};
  stack.ss_sp = g_stack.data();
  stack.ss_size = g_stack.size();
  handle(SIGABRT, on_signal, SA_ONSTACK);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(write_input);
  } else {
    ::sigaltstack(&stack, nullptr);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL})
      handle(signal, on_signal, SA_ONSTACK);
  }
  handle(SIGPROF, on_tick, SA_RESTART);
  const long micros = static_cast<long>(limit_seconds) * 1'000'000 / kTicks;
  itimerval timer{};
  timer.it_interval = timer.it_value = {micros / 1'000'000, micros % 1'000'000};
  ::setitimer(ITIMER_PROF, &timer, nullptr);
}

void begin_run(std::string_view input) {
  g_input = input.data();
  g_size = input.size();
  g_ticks = 0;
  g_running = 1;
}

void end_run() { g_running = 0; }

}  // namespace strop::fuzz
