// The spool on disk: what is appended comes back, whatever happens to the bytes, and the ledger
// balances.
#include "agent/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <sstream>

#include "agent/log.h"
#include "agent/spool_epoch.h"
#include "agent/spool_files.h"
#include "agent/spool_format.h"
#include "agent/spool_store.h"
#include "support/temporary_folder.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kNow = 1'700'000'000'000.0;
constexpr double kDay = 24 * 3600e3;
constexpr std::uintmax_t kReserved = 16 << 10;

std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void put(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

class SpoolTest : public testing::Test {
 protected:
  SpoolOptions options(std::uint64_t segment_bytes = 1 << 20) {
    return {folder_.path(), segment_bytes, [this] { return now_; }};
  }

  // As on a disk of `room_` bytes.
  SpoolOptions on_small_disk() {
    SpoolOptions small = options();
    small.write = [this](int descriptor, std::string_view bytes) {
      std::uintmax_t used = 0;
      for (const auto& entry : fs::recursive_directory_iterator(spool_folder(folder_.path())))
        if (entry.is_regular_file()) used += entry.file_size();
      errno = ENOSPC;
      return used + bytes.size() <= room_ && write_whole(descriptor, bytes);
    };
    return small;
  }
  fs::path reserve_of(const Spool& spool) { return first_segment(spool).parent_path() / "reserve"; }

  // "seq:state:bytes", of gaps "first-last:gap:reason".
  std::vector<std::string> records() {
    std::vector<std::string> out;
    const auto read = store_.each_record([&](const StoredRecord& record) {
      const std::uint64_t last = record.seq + record.span - 1;
      if (record.state == RecordState::kGap)
        out.push_back(std::to_string(record.seq) + "-" + std::to_string(last) +
                      ":gap:" + record.rule);
      else
        out.push_back(std::to_string(record.seq) + ":" + std::string(to_word(record.state)) + ":" +
                      record.bytes);
      return true;
    });
    EXPECT_TRUE(read) << read.error();
    return out;
  }

  Ledger ledger() {
    const auto read = store_.ledger();
    EXPECT_TRUE(read) << read.error();
    EXPECT_TRUE(read->balanced()) << ledger_to_json(*read);
    return *read;
  }

  fs::path first_segment(const Spool& spool) {
    return segment_file(epoch_folder(spool_folder(folder_.path()), spool.epoch()), 1);
  }

  void tidy(SpoolConfig limits = {}) {
    const auto tidied = store_.tidy({limits, kDay, now_});
    EXPECT_TRUE(tidied) << tidied.error();
  }

  support::TemporaryFolder folder_;
  SpoolStore store_{folder_.path()};
  double now_ = kNow;
  std::uintmax_t room_ = 0;
};

TEST_F(SpoolTest, WhatIsAppendedComesBack) {
  Spool spool(options());
  EXPECT_EQ(spool.append("{\"a\":1}", "consent"), 1);
  EXPECT_EQ(spool.append(std::string(1000, 'x'), "consent"), 2);
  EXPECT_THAT(records(), ElementsAre("1:spooled:{\"a\":1}", "2:spooled:" + std::string(1000, 'x')));
  Ledger wanted;
  wanted.captured = wanted.spooled = wanted.unshipped = 2;
  EXPECT_EQ(ledger(), wanted);
}

TEST_F(SpoolTest, SuppressedOnesAreCountedByRule) {
  {
    Spool spool(options());
    spool.suppress("env_file");
    spool.append("kept");
    spool.suppress("env_file");
    spool.suppress("gitignore");
  }
  Ledger wanted;
  wanted.captured = 4;
  wanted.spooled = wanted.unshipped = 1;
  wanted.suppressed = {{"env_file", 2}, {"gitignore", 1}};
  EXPECT_EQ(ledger(), wanted);
}

TEST_F(SpoolTest, AnEpochOfSuppressedOnesAloneIsFoldedIntoTheSums) {
  { Spool(options()).suppress("env_file"); }
  const Ledger before = ledger();
  tidy();
  EXPECT_EQ(ledger(), before);
  EXPECT_THAT(list_epochs(spool_folder(folder_.path())), IsEmpty());
}

TEST_F(SpoolTest, SegmentsFollowOneAnother) {
  Spool spool(options(200));
  for (int i = 0; i < 20; ++i) spool.append("event " + std::to_string(i + 1));
  std::vector<std::string> wanted;
  for (int i = 1; i <= 20; ++i)
    wanted.push_back(std::to_string(i) + ":spooled:event " + std::to_string(i));
  EXPECT_EQ(records(), wanted);
}

TEST_F(SpoolTest, ATornTailLeavesTheGoodRecordsAtEveryByte) {
  fs::path file;
  {
    Spool spool(options());
    for (const char* text : {"one", "two", "three"}) spool.append(text, "r");
    file = first_segment(spool);
  }
  const std::string whole = slurp(file);
  const std::vector<std::string> all = records();
  const std::size_t record = (whole.size() - kSegmentHeaderBytes) / 3;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(file, whole.substr(0, size));
    const std::size_t good = size < kSegmentHeaderBytes ? 0 : (size - kSegmentHeaderBytes) / record;
    EXPECT_EQ(records(), std::vector<std::string>(all.begin(), all.begin() + good)) << size;
    ledger();
  }
}

TEST_F(SpoolTest, TidyingCutsATornTail) {
  fs::path file;
  {
    Spool spool(options());
    spool.append("one");
    spool.append("two");
    file = first_segment(spool);
  }
  const std::string whole = slurp(file);
  put(file, whole.substr(0, whole.size() - 1));
  tidy();
  EXPECT_EQ(slurp(file),
            whole.substr(0, kSegmentHeaderBytes + (whole.size() - kSegmentHeaderBytes) / 2));
}

TEST_F(SpoolTest, AFlippedByteNeverGivesAWrongRecord) {
  fs::path file;
  {
    Spool spool(options());
    for (const char* text : {"one", "two", "three"}) spool.append(text, "r");
    file = first_segment(spool);
  }
  const std::string whole = slurp(file);
  const std::size_t record = (whole.size() - kSegmentHeaderBytes) / 3;
  for (std::size_t at = kSegmentHeaderBytes; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x55);
    put(file, flipped);
    const std::size_t hit = (at - kSegmentHeaderBytes) / record;
    const std::vector<std::vector<std::string>> wanted{
        {"1-1:gap:damaged", "2:spooled:two", "3:spooled:three"},
        {"1:spooled:one", "2-2:gap:damaged", "3:spooled:three"},
        {"1:spooled:one", "2:spooled:two", "3-3:gap:damaged"}};
    // A greater size in the last one looks like a record that was never written to its end.
    const bool cut_short = hit == 2 && records().size() == 2;
    EXPECT_TRUE(!cut_short || (at - kSegmentHeaderBytes) % record / 4 == 2) << at;
    if (!cut_short) {
      EXPECT_EQ(records(), wanted[hit]) << at;
    }
    ledger();
  }
}

TEST_F(SpoolTest, AHeaderOfAnotherVersionIsLeftAlone) {
  fs::path file;
  {
    Spool spool(options());
    spool.append("one");
    file = first_segment(spool);
  }
  std::string bytes = slurp(file);
  bytes[8] = 2;
  std::string crc;
  const std::uint32_t value = schema::crc32c(bytes.substr(0, kSegmentHeaderBytes - 4));
  for (int i = 0; i < 4; ++i) crc += static_cast<char>(value >> (8 * i));
  bytes.replace(kSegmentHeaderBytes - 4, 4, crc);
  put(file, bytes);
  tidy({1, 0});
  EXPECT_THAT(records(), IsEmpty());
  EXPECT_EQ(slurp(file), bytes);
}

TEST_F(SpoolTest, WhatIsForgottenLeavesAGapWhileTheAgentRuns) {
  Spool spool(options());
  for (const char* text : {"one", "secret two", "three"}) spool.append(text, "consent");
  EXPECT_EQ(store_.forget([](const StoredRecord& record) { return record.seq == 2; }), 1);
  spool.append("four");
  EXPECT_THAT(records(), ElementsAre("1:spooled:one", "2-2:gap:forgotten", "3:spooled:three",
                                     "4:spooled:four"));
  EXPECT_EQ(slurp(first_segment(spool)).find("secret"), std::string::npos);
  EXPECT_EQ(ledger().given_up.at("forgotten"), 1);
}

TEST_F(SpoolTest, AGapFitsInThePlaceOfTheSmallestEvent) {
  Spool spool(options());
  spool.append("");
  EXPECT_EQ(store_.forget([](const StoredRecord&) { return true; }), 1);
  EXPECT_THAT(records(), ElementsAre("1-1:gap:forgotten"));
}

TEST_F(SpoolTest, ARecordAboveTheWiresLimitIsGivenUp) {
  Spool spool(options());
  EXPECT_EQ(spool.append(std::string(schema::kMaxRecordBytes + 1, 'x')), std::nullopt);
  EXPECT_EQ(spool.append("next"), 2);
  EXPECT_THAT(records(), ElementsAre("1-1:gap:too_large", "2:spooled:next"));
  ledger();
}

TEST_F(SpoolTest, AboveTheSizeTheOldestIsGivenUp) {
  Spool spool(options(2000));
  for (int i = 0; i < 6; ++i) spool.append(std::string(1000, 'a'));
  tidy({4500, 30});
  EXPECT_THAT(records(), ElementsAre("1-2:gap:size", "3:spooled:" + std::string(1000, 'a'),
                                     "4:spooled:" + std::string(1000, 'a'),
                                     "5:spooled:" + std::string(1000, 'a'),
                                     "6:spooled:" + std::string(1000, 'a')));
  EXPECT_EQ(ledger().given_up.at("size"), 2);
}

TEST_F(SpoolTest, AboveTheAgeItIsGivenUp) {
  { Spool(options()).append("old"); }
  now_ += 31 * kDay;
  Spool spool(options());
  spool.append("new");
  tidy();
  EXPECT_THAT(records(), ElementsAre("1-1:gap:age", "1:spooled:new"));
  ledger();
}

// A segment that the collector has stays beside it for its time of grace, and stays counted.
TEST_F(SpoolTest, WhatIsGivenUpBesideWhatIsAcknowledgedLosesNoCount) {
  schema::WireId id;
  {
    Spool spool(options(150));
    id = spool.epoch();
    for (int i = 0; i < 6; ++i) spool.append("event");
  }
  SpoolEpoch epoch = SpoolEpoch::load(spool_folder(folder_.path()), id);
  epoch.state().acked_through = 3;
  ASSERT_TRUE(epoch.save_state(true));
  now_ += 31 * kDay;
  tidy();
  tidy();
  const Ledger counted = ledger();
  EXPECT_EQ(counted.captured, 6u);
  EXPECT_EQ(counted.acked, 3u);
  EXPECT_EQ(counted.given_up.at("age"), 3u);
  EXPECT_EQ(counted.unshipped, 3u);
}

// While it lives, no file of this process grows beyond the given size.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(SpoolTest, AFullDiskGivesUpAndSaysSoWhenThereIsRoom) {
  Spool spool(options());
  EXPECT_EQ(spool.append("one"), 1);
  {
    const FileSizeLimit full(fs::file_size(first_segment(spool)));
    EXPECT_EQ(spool.append(std::string(1000, 'x')), std::nullopt);
    EXPECT_EQ(spool.append(std::string(1000, 'y')), std::nullopt);
    EXPECT_THAT(records(), ElementsAre("1:spooled:one"));
    ledger();
  }
  EXPECT_EQ(spool.append("four"), 4);
  EXPECT_THAT(records(), ElementsAre("1:spooled:one", "2-3:gap:disk_full", "4:spooled:four"));
  EXPECT_EQ(ledger().given_up.at("disk_full"), 2);
}

TEST_F(SpoolTest, AFolderThatCannotBeMadeIsAnException) {
  put(folder_ / "file", "");
  EXPECT_THROW(Spool({folder_ / "file", 1 << 20, {}}), std::runtime_error);
}

// Full in the middle and full at the end: what was captured meanwhile is counted all the same.
TEST_F(SpoolTest, OnAFullDiskTheLastCountHasItsPlace) {
  room_ = kReserved + 500;
  std::uint64_t captured = 200;
  {
    Spool spool(on_small_disk());
    while (spool.append("x")) ++captured;
    ASSERT_GT(captured, 200u);
    for (int i = 0; i < 194; ++i) spool.append("x");
    for (int i = 0; i < 5; ++i) spool.suppress("env_file");
    EXPECT_FALSE(spool.sync());
  }
  EXPECT_EQ(ledger().captured, captured);
  EXPECT_EQ(ledger().given_up.at("disk_full"), 195u);
  EXPECT_EQ(ledger().suppressed.at("env_file"), 5u);
}

TEST_F(SpoolTest, ADiskThatIsFullAtFirstHasThePlaceReservedLater) {
  Spool spool(on_small_disk());
  spool.append("one");
  EXPECT_FALSE(spool.sync());
  EXPECT_FALSE(fs::exists(reserve_of(spool)));
  room_ = kReserved + 500;
  EXPECT_TRUE(spool.sync());
  EXPECT_EQ(fs::file_size(reserve_of(spool)), kReserved);
}

TEST_F(SpoolTest, TheReservedPlaceIsGivenBack) {
  fs::path reserve;
  {
    Spool spool(options());
    reserve = reserve_of(spool);
    EXPECT_EQ(fs::file_size(reserve), kReserved);
    spool.append("one");
  }
  EXPECT_FALSE(fs::exists(reserve));
}

TEST_F(SpoolTest, WhenTheDiskTakesItAgainTheLogSaysSoOnce) {
  open_log(folder_ / "log");
  Spool spool(on_small_disk());
  for (int i = 0; i < 3; ++i) {
    spool.append("x");
    spool.sync();
  }
  room_ = 1 << 20;
  for (int i = 0; i < 3; ++i) {
    spool.append("x");
    spool.sync();
  }
  const std::string log = slurp(folder_ / "log" / kLogFile);
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 2) << log;
  EXPECT_THAT(log, testing::HasSubstr("takes what is captured again"));
}

// No number tells how many there were: they count as one, here and at the collector.
TEST_F(SpoolTest, ASegmentThatIsNoneAnyMoreIsOneGap) {
  fs::path file;
  {
    Spool spool(options());
    for (const char* text : {"one", "two", "three"}) spool.append(text, "r");
    file = first_segment(spool);
  }
  for (const std::string& junk : {std::string("thirty bytes of something else"),
                                  std::string(48, '\0'), std::string(5000, '\0')}) {
    put(file, junk);
    EXPECT_THAT(records(), ElementsAre("1-1:gap:damaged")) << junk.size();
    const Ledger before = ledger();
    EXPECT_EQ(before.given_up.at("damaged"), 1u);
    EXPECT_EQ(before.unshipped, 1u);
    tidy();
    EXPECT_THAT(records(), ElementsAre("1-1:gap:damaged")) << junk.size();
    EXPECT_EQ(ledger(), before);
  }
  const schema::WireId id = list_epochs(spool_folder(folder_.path())).at(0);
  const SpoolEpoch epoch = SpoolEpoch::load(spool_folder(folder_.path()), id);
  SpoolCursor cursor;
  const auto sent = epoch.next_records(cursor, 1 << 20);
  ASSERT_TRUE(sent);
  EXPECT_THAT(sent->records.at(0).payload, testing::HasSubstr("damaged"));
}

}  // namespace
}  // namespace strop::agent
