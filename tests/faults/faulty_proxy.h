// A TCP proxy between agents and a collector that does to their connections what networks do.
//
// Owns a listening socket on loopback and a thread that does everything; calls come from any
// thread, take effect at once, and never wait. Errors: without a port it is an exception of the
// constructor; faults of a connection end it, as a fault does.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace strop::faults {

class FaultyProxy {
 public:
  FaultyProxy();
  ~FaultyProxy();
  FaultyProxy(const FaultyProxy&) = delete;
  FaultyProxy& operator=(const FaultyProxy&) = delete;

  std::uint16_t port() const;
  // Where new connections lead to from here on; 0: nowhere.
  void lead_to(std::uint16_t port);

  // Both ends are reset.
  void cut();
  // Each connection is cut once so many more bytes have gone to the collector: within a frame.
  void cut_after(std::size_t bytes);
  // What is said no longer arrives, either way, and neither end is told; with `tell_collector` it
  // sees its end close, the agent does not.
  void abandon(bool tell_collector);
  // What the collector answers is dropped; after so long all is cut.
  void swallow_answers(std::chrono::milliseconds patience);
  // Everything comes later by so much.
  void delay(std::chrono::milliseconds by);
  // The next bytes to the collector arrive twice, or two of them in each other's place.
  void send_twice();
  void swap_bytes();

  // New connections are as good as any; those that are abandoned stay so.
  void heal();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strop::faults
