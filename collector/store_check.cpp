#include "collector/store_check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <boost/process/args.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/io.hpp>

#include "collector/commands/commands.h"
#include "collector/log.h"

namespace strop::collector {

namespace process = boost::process;

StoreCheck::StoreCheck(const std::string& store, Metrics& metrics, Damaged damaged)
    : metrics_(metrics),
      damaged_(std::move(damaged)),
      process_(process::exe = "/proc/self/exe",
               process::args = {"check", "--config", "/dev/null", "--store", store},
               process::std_in<process::null, process::std_out> process::null,
               process::std_err > words_) {
  constexpr int kLowest = 19;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(process_.id()), kLowest);
  log_info("store_check_begun", {{"store", store}});
  thread_ = std::thread([this] { wait(); });
}

StoreCheck::~StoreCheck() {
  given_up_ = true;
  {
    const std::lock_guard lock(mutex_);
    if (!reaped_) ::kill(process_.id(), SIGKILL);
  }
  thread_.join();
}

void StoreCheck::wait() {
  std::string said;
  for (std::string line; std::getline(words_, line);) said += (said.empty() ? "" : " ") + line;
  siginfo_t ended{};
  ::waitid(P_PID, static_cast<id_t>(process_.id()), &ended, WEXITED | WNOWAIT);
  {
    const std::lock_guard lock(mutex_);
    process_.wait();
    reaped_ = true;
  }
  if (given_up_) return;
  if (process_.exit_code() == 0) {
    metrics_.store_checked = 1;
    return log_info("store_checked", {});
  }
  log_error(process_.exit_code() == kDamaged ? "store_damaged" : "store_check_failed",
            {{"said", said}});
  if (process_.exit_code() == kDamaged) damaged_(said);
}

}  // namespace strop::collector
