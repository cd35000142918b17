#include "faults/oracle.h"

#include <gmock/gmock.h>

#include <functional>

#include "faults/made_event.h"
#include "support/temporary_folder.h"

namespace strop::faults {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr schema::WireId kInstall{1};
constexpr schema::WireId kEpoch{2};

// Three events that were captured, two of them stored, one given up for its age; one that was
// handed over and never spoken of.
class OracleTest : public testing::Test {
 protected:
  OracleTest() {
    for (int count = 0; count < 4;) {
      const std::string name = truth_.hand("e", 1).front();
      if (fate_of(name) != Fate::kStored) continue;
      names_.push_back(name);
      if (++count < 4) truth_.captured(name, {kEpoch, names_.size()});
    }
    store(1, names_[0]);
    store(2, names_[1]);
    arrived_.events.push_back(event(3, "gap", R"({"seq":[3,3],"reason":"age"})", ""));
    arrived_.ledger.push_back({.key = {kInstall, kEpoch}, .through = 3, .stored = 2, .gaps = 1});
    spool_ = {.captured = 3, .acked = 2, .given_up = {{"age", 1}}};
  }

  static collector::StoredEvent event(std::uint64_t seq, const std::string& type,
                                      const std::string& payload, const std::string& name) {
    collector::StoredEvent out;
    out.key = {kInstall, kEpoch};
    out.seq = seq;
    out.type = type;
    out.payload = payload;
    out.suggestion = name;
    return out;
  }
  void store(std::uint64_t seq, const std::string& name) {
    arrived_.events.push_back(event(seq, "shown", made_event(name), name));
  }
  std::vector<std::string> findings() const {
    return judge(truth_, arrived_, spool_, {kInstall, reasons_}).findings;
  }
  void finds(const std::string& what) const { EXPECT_THAT(findings(), Contains(HasSubstr(what))); }

  support::TemporaryFolder folder_;
  Truth truth_{folder_ / "journal"};
  std::vector<std::string> names_;
  Arrived arrived_;
  agent::Ledger spool_;
  std::set<std::string> reasons_{"age"};
};

TEST_F(OracleTest, IsContentWhereAllIsStoredOrCounted) {
  const Verdict verdict = judge(truth_, arrived_, spool_, {kInstall, reasons_});
  EXPECT_THAT(verdict.findings, IsEmpty());
  EXPECT_EQ(verdict.captured, 3u);
  EXPECT_EQ(verdict.stored, 2u);
  EXPECT_EQ(verdict.given_up, (std::map<std::string, std::uint64_t>{{"age", 1}}));
}

TEST_F(OracleTest, FindsWhatIsLost) {
  arrived_.events.erase(arrived_.events.begin());
  finds(names_[0] + ", " + schema::to_hex(kEpoch) + ":1, is lost");
  finds("says 2 stored, its store holds 1");
}

TEST_F(OracleTest, FindsWhatIsThereTwice) {
  store(1, names_[0]);
  finds(":1 is in the store twice");
  finds(names_[0] + " is stored twice");
}

// Of what an agent gave up some had arrived.
TEST_F(OracleTest, TakesAGapForWhatIsLeftOfIt) {
  arrived_.events[2].payload = R"({"seq":[2,3],"reason":"age"})";
  EXPECT_THAT(findings(), IsEmpty());
  arrived_.events[2].seq = 2;
  finds(":2 is in the store twice");
}

TEST_F(OracleTest, FindsOtherBytes) {
  arrived_.events[0].payload += ' ';
  finds(names_[0] + " is not stored as it was captured");
}

TEST_F(OracleTest, FindsWhatNobodyHandedOver) {
  arrived_.events[0].suggestion = "stranger";
  finds("stranger, was never handed to capture");
}

TEST_F(OracleTest, FindsAnotherNumber) {
  std::swap(arrived_.events[0].seq, arrived_.events[1].seq);
  finds(names_[0] + " was captured as");
}

TEST_F(OracleTest, FindsWhatWasGivenUpWithoutReason) {
  reasons_.clear();
  finds(names_[2] + " was given up, age, for which there was no reason");
}

TEST_F(OracleTest, FindsWhatWasForgottenAndIsThereAndWhatNobodyWishedForgotten) {
  truth_.wished(names_[0], Handed::Wish::kAsked);
  EXPECT_THAT(findings(), IsEmpty());
  truth_.wished(names_[0], Handed::Wish::kForgotten);
  finds(names_[0] + " was forgotten, and is there");
  arrived_.events[0] = event(1, "gap", R"({"seq":[1,1],"reason":"forgotten"})", "");
  arrived_.events[1] = event(2, "gap", R"({"seq":[2,2],"reason":"forgotten"})", "");
  finds(names_[1] + " was given up, forgotten, for which there was no reason");
}

TEST_F(OracleTest, FindsLedgersThatDoNotBalanceOrAgree) {
  spool_.acked = 1;
  finds("the spool's ledger does not balance");
  spool_ = {.captured = 4, .acked = 2, .given_up = {{"age", 2}}};
  finds("the spool's ledger has captured 4, the collector's ledger accounts for 3");
  arrived_.ledger[0].lost = 1;
  finds("does not balance");
  finds("1 of " + schema::to_hex(kEpoch) + " are lost by the collector's own word");
}

TEST_F(OracleTest, DoesNotMissWhatDiedWithItsAgentUnsaid) {
  EXPECT_EQ(judge(truth_, arrived_, spool_, {kInstall, reasons_}).unsaid, 1u);
  store(4, names_[3]);
  arrived_.ledger[0].through = 4;
  arrived_.ledger[0].stored = 3;
  spool_.captured = 4;
  spool_.acked = 3;
  EXPECT_THAT(findings(), IsEmpty());
}

}  // namespace
}  // namespace strop::faults
