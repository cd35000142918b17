// TensorBoard's event files, read by a decoder of the test's own. That TensorBoard itself reads
// them was seen by hand.
#include "trainer/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "schema/wire.h"
#include "temporary_folder.h"

namespace strop::trainer {
namespace {

template <class T>
T number_at(const std::string& bytes, std::size_t at) {
  T out{};
  std::memcpy(&out, bytes.data() + at, sizeof out);
  return out;
}

std::uint32_t masked(const std::string& bytes) {
  const std::uint32_t sum = schema::crc32c(bytes);
  return ((sum >> 15U) | (sum << 17U)) + 0xA282EAD8U;
}

// The records' contents; each sum is looked at.
std::vector<std::string> records_of(const std::string& file) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < file.size();) {
    const auto size = number_at<std::uint64_t>(file, at);
    EXPECT_EQ(number_at<std::uint32_t>(file, at + 8), masked(file.substr(at, 8)));
    out.push_back(file.substr(at + 12, size));
    EXPECT_EQ(number_at<std::uint32_t>(file, at + 12 + size), masked(out.back()));
    at += 16 + size;
  }
  return out;
}

TEST(EventFile, BeginsWithItsVersionAndTime) {
  const TemporaryFolder folder;
  const EventFile file(folder / "tensorboard", 1700000000.5);
  EXPECT_THAT(file.path(), testing::EndsWith("/tensorboard/events.out.tfevents.1700000000.strop"));
  const auto records = records_of(read_bytes(file.path()));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0][0], 0x09);  // field 1, fixed64
  EXPECT_EQ(number_at<double>(records[0], 1), 1700000000.5);
  EXPECT_EQ(records[0].substr(9),
            "\x1A\x0D"
            "brain.Event:2");
}

TEST(EventFile, AStepHasItsScalars) {
  const TemporaryFolder folder;
  EventFile file(folder / "tensorboard", 1);
  file.add(300, 2.25, {{"loss", 0.5}, {"lr", -2.0}});
  const std::string step = records_of(read_bytes(file.path())).at(1);
  EXPECT_EQ(number_at<double>(step, 1), 2.25);
  EXPECT_EQ(step.substr(9, 3), "\x10\xAC\x02");  // field 2: 300 as a varint
  EXPECT_EQ(step.substr(12, 2), "\x2A\x18");     // field 5: 24 bytes of summary
  EXPECT_EQ(step.substr(14, 8),
            "\x0A\x0B\x0A\x04"
            "loss");
  EXPECT_EQ(step[22], 0x15);  // field 2, fixed32
  EXPECT_EQ(number_at<float>(step, 23), 0.5F);
  EXPECT_EQ(step.substr(27, 6), "\x0A\x09\x0A\x02lr");
  EXPECT_EQ(number_at<float>(step, 34), -2.0F);
  EXPECT_EQ(step.size(), 38U);
}

TEST(EventFile, AFolderThatCannotBeIsSaid) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "");
  EXPECT_THROW(EventFile(folder / "file", 1), std::exception);
  EXPECT_THROW(EventFile("/proc/none", 1), std::exception);
}

}  // namespace
}  // namespace strop::trainer
