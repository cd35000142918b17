#include "faults/faulty_proxy.h"

#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <functional>
#include <list>
#include <optional>
#include <span>
#include <thread>

namespace strop::faults {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

tcp::endpoint loopback(std::uint16_t port) { return {asio::ip::address_v4::loopback(), port}; }

void reset(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

// The first two neighbours that differ, from the middle on; false: there are none.
bool swap_neighbours(std::span<char> bytes) {
  const auto first =
      std::adjacent_find(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2), bytes.end(),
                         std::not_equal_to<>());
  if (first == bytes.end()) return false;
  std::iter_swap(first, first + 1);
  return true;
}

// One connection: the agent's end, the collector's end, and what is wrong with it.
class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(tcp::socket agent, asio::io_context& io)
      : agent_{std::move(agent), asio::steady_timer(io), {}, 0},
        collector_{tcp::socket(io), asio::steady_timer(io), {}, 0} {}

  void open(std::uint16_t port) {
    collector_.socket.async_connect(loopback(port), [self = shared_from_this()](error_code error) {
      if (error || self->ended_) return self->cut();
      self->read(self->agent_, self->collector_);
      self->read(self->collector_, self->agent_);
    });
  }
  void cut() {
    ended_ = true;
    reset(agent_.socket);
    reset(collector_.socket);
    agent_.later.cancel();
    collector_.later.cancel();
  }
  void abandon(bool tell_collector) {
    abandoned_ = true;
    if (tell_collector) reset(collector_.socket);
  }
  bool ended() const { return ended_; }

  std::optional<std::size_t> cut_after_;
  bool mute_ = false;
  bool twice_ = false;
  bool swap_ = false;
  std::chrono::milliseconds delay_{0};

 private:
  struct End {
    tcp::socket socket;
    asio::steady_timer later;
    std::array<char, 16 << 10> buffer;  // what it said
    std::size_t size;
  };

  void read(End& from, End& to) {
    if (ended_ || abandoned_) return;
    from.socket.async_read_some(asio::buffer(from.buffer), [self = shared_from_this(), &from, &to](
                                                               error_code error, std::size_t size) {
      if (self->ended_ || self->abandoned_) return;
      if (error) return self->cut();
      from.size = size;
      self->hold(from, to);
    });
  }
  void hold(End& from, End& to) {
    if (delay_.count() == 0) return pass(from, to);
    from.later.expires_after(delay_);
    from.later.async_wait([self = shared_from_this(), &from, &to](error_code) {
      if (!self->ended_ && !self->abandoned_) self->pass(from, to);
    });
  }
  void pass(End& from, End& to) {
    const bool up = &from == &agent_;
    if (!up && mute_) return read(from, to);
    bool last = false;
    if (up && cut_after_) {
      last = from.size >= *cut_after_;
      from.size = std::min(from.size, *cut_after_);
      *cut_after_ -= from.size;
    }
    if (up && swap_) swap_ = !swap_neighbours({from.buffer.data(), from.size});
    const bool again = up && std::exchange(twice_, false);
    write(from, to, again, last);
  }
  void write(End& from, End& to, bool again, bool last) {
    asio::async_write(
        to.socket, asio::buffer(from.buffer, from.size),
        [self = shared_from_this(), &from, &to, again, last](error_code error, std::size_t) {
          if (self->ended_ || self->abandoned_) return;
          if (error || last) return self->cut();
          if (again) return self->write(from, to, false, false);
          self->read(from, to);
        });
  }

  End agent_;
  End collector_;
  bool ended_ = false;
  bool abandoned_ = false;
};

}  // namespace

class FaultyProxy::Impl {
 public:
  Impl()
      : acceptor_(io_, loopback(0)),
        port_(acceptor_.local_endpoint().port()),
        swallowing_(io_),
        thread_([this] {
          accept();
          io_.run();
        }) {}
  ~Impl() {
    asio::post(io_, [this] {
      for (const auto& link : links_) link->cut();
      io_.stop();
    });
    thread_.join();
  }

  std::uint16_t port() const { return port_; }
  void run(std::function<void()> what) { asio::post(io_, std::move(what)); }
  void each(const std::function<void(Link&)>& what) {
    run([this, what] {
      for (const auto& link : links_) what(*link);
      links_.remove_if([](const auto& link) { return link->ended(); });
    });
  }
  void lead_to(std::uint16_t port) {
    run([this, port] { target_ = port; });
  }
  void delay(std::chrono::milliseconds by) {
    run([this, by] { delay_ = by; });
    each([by](Link& link) { link.delay_ = by; });
  }
  void cut_after(std::chrono::milliseconds patience) {
    run([this, patience] {
      swallowing_.expires_after(patience);
      swallowing_.async_wait([this](error_code error) {
        if (!error) each([](Link& link) { link.cut(); });
      });
    });
  }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (error) return;
      links_.remove_if([](const auto& link) { return link->ended(); });
      const auto link = std::make_shared<Link>(std::move(socket), io_);
      link->delay_ = delay_;
      links_.push_back(link);
      link->open(target_);
      accept();
    });
  }

  asio::io_context io_;
  tcp::acceptor acceptor_;
  const std::uint16_t port_;
  // The thread's own.
  asio::steady_timer swallowing_;
  std::list<std::shared_ptr<Link>> links_;
  std::uint16_t target_ = 0;
  std::chrono::milliseconds delay_{0};

  std::thread thread_;
};

FaultyProxy::FaultyProxy() : impl_(std::make_unique<Impl>()) {}
FaultyProxy::~FaultyProxy() = default;

std::uint16_t FaultyProxy::port() const { return impl_->port(); }
void FaultyProxy::lead_to(std::uint16_t port) { impl_->lead_to(port); }

void FaultyProxy::cut() {
  impl_->each([](Link& link) { link.cut(); });
}
void FaultyProxy::cut_after(std::size_t bytes) {
  impl_->each([bytes](Link& link) { link.cut_after_ = bytes; });
}
void FaultyProxy::abandon(bool tell_collector) {
  impl_->each([tell_collector](Link& link) { link.abandon(tell_collector); });
}
void FaultyProxy::swallow_answers(std::chrono::milliseconds patience) {
  impl_->each([](Link& link) { link.mute_ = true; });
  impl_->cut_after(patience);
}
void FaultyProxy::delay(std::chrono::milliseconds by) { impl_->delay(by); }
void FaultyProxy::send_twice() {
  impl_->each([](Link& link) { link.twice_ = true; });
}
void FaultyProxy::swap_bytes() {
  impl_->each([](Link& link) { link.swap_ = true; });
}
void FaultyProxy::heal() { impl_->delay(std::chrono::milliseconds(0)); }

}  // namespace strop::faults
