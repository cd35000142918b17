// Who may speak to the collector: the allow-list as it is now, the ZAP handler that asks it, and
// the proof at start that a stranger is turned away.
//
// Thread: all of it belongs to the receiver's. Errors: start-up faults are exceptions with what to
// do; later a list that cannot be read leaves the one that was in force.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "collector/keys.h"
#include "collector/metrics.h"

namespace strop::collector {

// The allow-list file, followed as it changes. Time in milliseconds of any steady clock.
class LiveAllowList {
 public:
  // Throws UsageError if the list is malformed to begin with.
  explicit LiveAllowList(const std::filesystem::path& keys);

  // Looks whether the file changed, at most every kLookEveryMs. A file that is not there allows
  // nobody; one that cannot be read changes nothing, and the log says what to do.
  const AllowList& current(double now_ms);

  static constexpr double kLookEveryMs = 200;

 private:
  struct Stamp {
    ino_t inode = 0;
    off_t size = -1;
    struct timespec modified {};
    struct timespec changed {};
    bool operator==(const Stamp& other) const;
  };
  Stamp look() const;
  bool load();

  const std::filesystem::path keys_;
  const std::filesystem::path file_;
  AllowList list_;
  Stamp stamp_;
  double looked_ms_ = 0;
};

// Makes a ROUTER socket with CURVE and the limits that go with it; not bound yet.
zmq::socket_t make_router(zmq::context_t& context, const schema::CurveKey* key);

// Answers libzmq's question whether a key may enter. CURVE without such a handler lets every key
// in.
class ZapHandler {
 public:
  ZapHandler(zmq::context_t& context, LiveAllowList& allowed, Metrics& metrics);
  zmq::socket_t& socket() { return socket_; }
  void handle(double now_ms);  // all questions that wait
  void start_logging() { logging_ = true; }

 private:
  void reply(const std::string& request_id, bool good, const std::string& user);

  void log_refusal(const std::string& address, const std::string& key, double now_ms);

  LiveAllowList& allowed_;
  Metrics& metrics_;
  zmq::socket_t socket_;
  bool logging_ = false;
  double logged_ms_ = 0;
};

// Knocks with a key made up on the spot, at a socket like the one that will serve. Throws if it is
// let in, or if within `patience_ms` it is not plainly turned away.
void prove_strangers_are_refused(zmq::context_t& context, const schema::CurveKey& key,
                                 ZapHandler& zap, int patience_ms = 5000);

// The user whose key encrypted this message part: the name on the list, nullopt for a key that is
// not (any longer) on it. Ask the body part: libzmq does not set it on the routing id.
std::optional<std::string> user_of(zmq::message_t& body, LiveAllowList& allowed, double now_ms);

}  // namespace strop::collector
