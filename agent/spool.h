// Keeps captured records on disk until the collector has them: the writing side.
//
// Owns one epoch: a folder <state>/spool/<epoch> of append-only segments that only this process
// appends to. One thread. Times are milliseconds of the Unix epoch, sizes bytes. Errors: a folder
// that cannot be made is an exception of the constructor; a record that cannot be written, above
// all for a full disk, is given up: counted, logged once, and never an exception. spool_store.h
// reads and tidies what is here, from this and other processes; spool_format.h has the bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "schema/wire.h"

namespace strop::agent {

struct SpoolOptions {
  std::filesystem::path state;
  std::uint64_t segment_bytes = 1 << 20;  // a segment is closed once it is so large
  std::function<double()> now_ms;         // wall clock; empty: the system's
  // Writes all of it, or gives false with errno; empty: write_whole. For tests, whose disk is full.
  std::function<bool(int descriptor, std::string_view bytes)> write;
};

class Spool {
 public:
  explicit Spool(SpoolOptions options);
  ~Spool();  // sync(); the epoch is then anybody's to ship

  // Captured: what returns a number is safe from the end of this process; from a power cut after
  // sync(). Nothing: it was given up, and counted. `rule`: what let it pass, for the developer.
  std::optional<std::uint64_t> append(std::string_view record, std::string_view rule = {});

  // Captured, but not to be kept: counted under the rule that decided, on disk with the next
  // sync().
  void suppress(std::string_view rule);

  // To the disk: file, and folder if there is a new file. False: the disk refused.
  bool sync();

  const schema::WireId& epoch() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strop::agent
