#include "agent/enrolment.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace strop::agent {
namespace {

using Steady = std::chrono::steady_clock;
using Answer = tl::expected<schema::Frame, EnrolFailure>;

// One question, one answer.
class Question {
 public:
  Question(const UplinkAddress& over, double patience_ms)
      : endpoint_(over.endpoint),
        until_(Steady::now() + std::chrono::duration_cast<Steady::duration>(
                                   std::chrono::duration<double, std::milli>(patience_ms))),
        socket_(context_, over) {}

  Answer ask(const schema::Frame& frame) {
    if (auto open = wait_for([this] { return socket_.is_open(); }); !open)
      return tl::unexpected(open.error());
    if (!socket_.send(schema::encode(frame)))
      return tl::unexpected(EnrolFailure{false, endpoint_ + " takes nothing"});
    std::optional<std::string> bytes;
    if (auto heard = wait_for([&] { return (bytes = socket_.receive()).has_value(); }); !heard)
      return tl::unexpected(heard.error());
    auto said = schema::decode(*bytes);
    if (!said)
      return tl::unexpected(
          EnrolFailure{false, endpoint_ + " answers what is no frame: " + said.error().message});
    return std::move(*said);
  }

 private:
  template <class Done>
  tl::expected<void, EnrolFailure> wait_for(Done done) {
    while (true) {
      socket_.watch();
      if (!socket_.fault().empty())
        return tl::unexpected(EnrolFailure{socket_.is_refused(), socket_.fault()});
      if (done()) return {};
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Steady::now());
      if (left.count() <= 0)
        return tl::unexpected(
            EnrolFailure{false, endpoint_ + " gives no answer; check the address and the network"});
      std::vector<zmq::pollitem_t> items{{socket_.monitor(), 0, ZMQ_POLLIN, 0},
                                         {socket_.socket(), 0, ZMQ_POLLIN, 0}};
      zmq::poll(items, left);
    }
  }

  const std::string endpoint_;
  const Steady::time_point until_;
  zmq::context_t context_;
  UplinkSocket socket_;
};

EnrolFailure failure_of(const schema::Frame& frame, const std::string& endpoint) {
  const auto* nack = std::get_if<schema::Nack>(&frame);
  if (nack == nullptr) return {false, endpoint + " answers what was not asked"};
  if (nack->code == schema::NackCode::kVersion)
    return {false, endpoint + " is too old to enrol by tokens; update it: " + nack->reason};
  return {nack->code == schema::NackCode::kUnauthorised,
          "the collector at " + endpoint + " says: " + nack->reason};
}

}  // namespace

tl::expected<schema::Enrolled, EnrolFailure> enrol(const UplinkAddress& over,
                                                   const std::string& key, double patience_ms) {
  auto answer = Question(over, patience_ms).ask(schema::Enrol{key, "strop-agent " STROP_VERSION});
  if (!answer) return tl::unexpected(answer.error());
  if (auto* enrolled = std::get_if<schema::Enrolled>(&*answer)) return std::move(*enrolled);
  return tl::unexpected(failure_of(*answer, over.endpoint));
}

std::string use_key(const UplinkAddress& over, double patience_ms) {
  const auto answer = Question(over, patience_ms).ask(schema::Ping{1});
  if (!answer) return answer.error().why;
  const auto* nack = std::get_if<schema::Nack>(&*answer);
  // A PING without a stream is asked to open one first: that is an answer to somebody known.
  if (nack == nullptr || nack->code == schema::NackCode::kHelloFirst) return "";
  return failure_of(*answer, over.endpoint).why;
}

}  // namespace strop::agent
