// The capturing part of an agent, told what to capture by lines on stdin, to be killed at any time.
//
//   strop-fault-writer CONFIG    HOME and XDG_STATE_HOME say where the spool is, as for strop-agent
// A line NAME captures made_event(NAME) and is answered `NAME EPOCH SEQ` once that is so, or
// `NAME EPOCH -` where it was given up. Where there is a pause all is synced and the uplink told,
// as strop-agent does. Exit codes: 0 stdin ended; 1 no spool could be made.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <string>

#include "agent/config.h"
#include "agent/log.h"
#include "agent/spool.h"
#include "agent/uplink.h"
#include "faults/made_event.h"

namespace {

using namespace strop;

bool pause() {
  pollfd in{STDIN_FILENO, POLLIN, 0};
  return ::poll(&in, 1, 0) == 0;
}

// One write a line: what was said is said, whatever comes next.
void say(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    ::_exit(1);
}

void capture(agent::Spool& spool, const std::string& name) {
  const auto seq = spool.append(faults::made_event(name), "consent:faults");
  say(name + ' ' + schema::to_hex(spool.epoch()) + ' ' + (seq ? std::to_string(*seq) : "-") + '\n');
}

int run(const char* config_file) {
  const auto config = agent::load_config(agent::places_from_environment().value(),
                                         {.config = std::string(config_file)});
  if (!config) throw std::runtime_error(config.error());
  agent::open_log(config->state);  // stdout is for answers
  agent::Spool spool({.state = config->state});
  agent::Uplink uplink(agent::read_uplink_options(*config).value());
  std::string waiting;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(STDIN_FILENO, buffer.data(), buffer.size())) > 0;) {
    waiting.append(buffer.data(), static_cast<std::size_t>(got));
    for (std::size_t end = 0; (end = waiting.find('\n')) != std::string::npos;
         waiting.erase(0, end + 1))
      capture(spool, waiting.substr(0, end));
    if (!pause()) continue;
    spool.sync();
    uplink.wake();
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? argv[1] : "");
  } catch (const std::exception& error) {
    std::cerr << "strop-fault-writer: " << error.what() << '\n';
    return 1;
  }
}
