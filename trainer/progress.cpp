#include "trainer/progress.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>

namespace strop::trainer {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds < 0 ? 0 : seconds);
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(whole / 3600),
                  static_cast<long long>(whole / 60 % 60), static_cast<long long>(whole % 60));
  else
    std::snprintf(text, sizeof text, "%lld:%02lld", static_cast<long long>(whole / 60),
                  static_cast<long long>(whole % 60));
  return text;
}

Progress::Progress(std::string label, std::int64_t total, std::int64_t done,
                   const std::string& metrics_path, SecondsClock clock)
    : label_(std::move(label)),
      total_(total),
      first_(done),
      clock_(std::move(clock)),
      began_(clock_()),
      terminal_(isatty(STDERR_FILENO) != 0) {
  if (metrics_path.empty()) return;
  metrics_.open(metrics_path, done > 0 ? std::ios::app : std::ios::trunc);
  if (!metrics_)
    throw std::runtime_error("cannot write " + metrics_path +
                             ": is the folder there, and the disk not full?");
}

Progress::~Progress() {
  if (bar_open_) std::fputc('\n', stderr);
}

void Progress::step(std::int64_t done, const std::string& note) {
  const double now = clock_();
  const bool last = done >= total_;
  if (!last && now - last_shown_ < (terminal_ ? 0.2 : 15.0)) return;
  last_shown_ = now;
  const double share = total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 1;
  const auto fresh = static_cast<double>(done - first_);
  const double left = fresh > 0 ? (now - began_) / fresh * static_cast<double>(total_ - done) : 0;
  if (terminal_) {
    constexpr int kWidth = 28;
    const int full = static_cast<int>(share * kWidth);
    std::string bar;
    for (int i = 0; i < kWidth; ++i) bar += i < full ? "█" : "░";
    std::fprintf(stderr, "\r\033[K%s %s %3d %%  %lld/%lld  %s  %s left", label_.c_str(),
                 bar.c_str(), static_cast<int>(share * 100), static_cast<long long>(done),
                 static_cast<long long>(total_), note.c_str(), clock_text(left).c_str());
    bar_open_ = true;
  } else {
    std::fprintf(stderr, "%s %lld/%lld  %s  %s left\n", label_.c_str(),
                 static_cast<long long>(done), static_cast<long long>(total_), note.c_str(),
                 clock_text(left).c_str());
  }
  std::fflush(stderr);
}

void Progress::metric(const nlohmann::json& line) {
  if (!metrics_.is_open()) return;
  metrics_ << line.dump() << '\n' << std::flush;
  if (!metrics_) throw std::runtime_error("cannot write the metrics file: is the disk full?");
}

void Progress::say(const std::string& line) {
  std::fprintf(stderr, "%s%s\n", bar_open_ ? "\r\033[K" : "", line.c_str());
  bar_open_ = false;
}

}  // namespace strop::trainer
