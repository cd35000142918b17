#include "collector/store_check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <boost/process/args.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/io.hpp>
#include <nlohmann/json.hpp>

#include "collector/log.h"

namespace strop::collector {

namespace process = boost::process;

StoreCheck::StoreCheck(const std::string& store, Metrics& metrics, Damaged damaged)
    : metrics_(metrics),
      damaged_(std::move(damaged)),
      process_(process::exe = "/proc/self/exe",
               process::args = {"check", "--json", "--config", "/dev/null", "--store", store},
               (process::std_in < process::null),
               ((process::std_out & process::std_err) > words_)) {
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
  const auto answer = nlohmann::json::parse(said, nullptr, false);
  if (!answer.is_object()) return log_error("store_check_failed", {{"said", said}});
  if (answer.value("whole", false)) {
    metrics_.store_checked = 1;
    return log_info("store_checked", {});
  }
  const std::string damage = answer.value("damage", "");
  log_error("store_damaged", {{"damage", damage}});
  damaged_(damage);
}

}  // namespace strop::collector
