// strop-byte-pump SERVER ARGS…: the least that a relay can do, to measure relays against: one
// process, one thread, poll, read, write, both ways. It looks at nothing it carries.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

namespace {

struct Way {
  int from = -1;
  int to = -1;
  bool open = true;
};

bool write_all(int to, const char* bytes, ssize_t left) {
  while (left > 0) {
    const ssize_t put = ::write(to, bytes, static_cast<std::size_t>(left));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes += put;
    left -= put;
  }
  return true;
}

void carry(Way& way, std::vector<char>& buffer) {
  const ssize_t got = ::read(way.from, buffer.data(), buffer.size());
  if (got < 0 && errno == EINTR) return;
  way.open = got > 0 && write_all(way.to, buffer.data(), got);
  if (!way.open) ::close(way.to);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("strop-byte-pump: give the server to start, as in `strop-byte-pump clangd`\n",
               stderr);
    return 2;
  }
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (::pipe(in.data()) != 0 || ::pipe(out.data()) != 0) return 1;
  const pid_t server = ::fork();
  if (server == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    for (const int end : {in[0], in[1], out[0], out[1]}) ::close(end);
    ::execvp(argv[1], argv + 1);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  ::signal(SIGPIPE, SIG_IGN);

  std::vector<char> buffer(64u << 10);
  std::array<Way, 2> ways{{{STDIN_FILENO, in[1]}, {out[0], STDOUT_FILENO}}};
  while (ways[1].open) {
    std::array<pollfd, 2> ends{
        {{ways[0].open ? ways[0].from : -1, POLLIN, 0}, {ways[1].from, POLLIN, 0}}};
    if (::poll(ends.data(), ends.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < ways.size(); ++i)
      if (ends[i].revents != 0) carry(ways[i], buffer);
  }
  ::close(in[1]);
  int status = 0;
  ::waitpid(server, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
