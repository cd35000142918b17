// A run's measures as TensorBoard reads them.
//
// Owns one events.out.tfevents file; one thread. Each record is a length, its sum, a serialized
// Event and its sum (crc32c, masked), as TensorFlow's TFRecord has it; an Event holds the time in
// seconds of the Unix epoch, the step, and one scalar a measure. Errors: std::runtime_error for a
// file that cannot be written.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace strop::trainer {

class EventFile {
 public:
  // A new file in `folder`, which is made; `unix_s` is part of its name, and its first record's
  // time.
  EventFile(const std::string& folder, double unix_s);

  void add(std::int64_t step, double unix_s,
           const std::vector<std::pair<std::string, double>>& scalars);

  const std::string& path() const { return path_; }

 private:
  void write(const std::string& event);

  std::string path_;
  std::ofstream out_;
};

}  // namespace strop::trainer
