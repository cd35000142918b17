// What a process uses, as the kernel tells it: memory and processor time.
//
// Functions; any thread. Processor time is user and system time in seconds. Errors: a process that
// is not there is an exception.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

namespace strop::bench {

double rss_mib(pid_t process);
double peak_rss_mib(pid_t process);

// So far, all threads.
double cpu_seconds(pid_t process);
std::map<std::string, double> cpu_seconds_by_thread(pid_t process);
// Of the processes it has started that still run.
double cpu_seconds_of_children(pid_t process);

}  // namespace strop::bench
