// How libzmq is kept from letting strangers in: the ROUTER's limits, the ZAP handler that asks the
// doorkeeper, and the proof at start that a stranger is turned away.
//
// Thread: all of it belongs to the receiver's. Errors: start-up faults are exceptions with what to
// do.
#pragma once

#include <string>
#include <zmq.hpp>

#include "collector/doorkeeper.h"
#include "collector/metrics.h"
#include "collector/rate_limit.h"

namespace strop::collector {

// Makes a ROUTER socket with CURVE and the limits that go with it; not bound yet.
zmq::socket_t make_router(zmq::context_t& context, const schema::CurveKey* key);

// How often somebody may knock in a minute; 0: as often as they like. A known key is never held up
// by what others do from the same address.
struct KnockLimits {
  std::uint32_t by_key = 600;
  std::uint32_t refused_by_address = 60;  // beyond it tokens are not taken from there either
};

// Answers libzmq's question whether a key may enter. CURVE without such a handler lets every key
// in.
class ZapHandler {
 public:
  ZapHandler(zmq::context_t& context, Doorkeeper& keeper, Metrics& metrics, KnockLimits limits);
  zmq::socket_t& socket() { return socket_; }
  void handle(Moment now);  // all questions that wait
  void start_logging() { logging_ = true; }

 private:
  void reply(const std::string& request_id, const char* status, const std::string& text,
             const std::string& key);
  bool knocks_too_often(const std::string& address, const std::string& key, bool objected,
                        Moment now);
  void log_refusal(const std::string& address, const std::string& key, const std::string& reason,
                   double now_ms);

  Doorkeeper& keeper_;
  Metrics& metrics_;
  zmq::socket_t socket_;
  bool logging_ = false;
  RateLimit by_key_;
  RateLimit by_address_;
  OnceASecond refusals_logged_;
  OnceASecond throttling_logged_;
};

// Knocks with a key made up on the spot, at a socket like the one that will serve. Throws if it is
// let in, or if within `patience_ms` it is not plainly turned away.
void prove_strangers_are_refused(zmq::context_t& context, const schema::CurveKey& key,
                                 ZapHandler& zap, int patience_ms = 5000);

// Who sent this message part. Ask the body part: libzmq does not set it on the routing id.
Caller caller_of(zmq::message_t& body, Doorkeeper& keeper, Moment now);

Moment now_by_clocks();

}  // namespace strop::collector
