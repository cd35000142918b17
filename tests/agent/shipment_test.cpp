// The protocol's state machine over a real spool, without sockets.
#include "agent/shipment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/spool.h"
#include "agent/spool_files.h"
#include "support/temporary_folder.h"

namespace strop::agent {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(ShipmentTest, SendsNothingUntilItHasSeenWhatWasTidied) {
  const support::TemporaryFolder folder;
  Spool spool({.state = folder.path()});
  ASSERT_TRUE(spool.append("an event"));
  spool.sync();
  Shipment shipment({folder.path(), {}, "test"});
  ASSERT_TRUE(shipment.look());
  shipment.connected(0);
  const auto said = shipment.to_send(0);
  ASSERT_THAT(said, SizeIs(1));
  const auto hello = schema::decode(said.front());
  ASSERT_TRUE(hello);
  shipment.on_frame(
      schema::Welcome{1, std::get<schema::Hello>(*hello).epoch, 0, 4 << 20, 1 << 20, 10'000}, 0);
  auto held =
      lock_spool(spool_folder(folder.path()), FileLock::Kind::kAlone, std::chrono::milliseconds(0));
  ASSERT_TRUE(held);
  EXPECT_FALSE(shipment.look(true));
  held = tl::unexpected(std::string("let go"));
  EXPECT_THAT(shipment.to_send(1), IsEmpty());
  EXPECT_TRUE(shipment.look());
  EXPECT_THAT(shipment.to_send(1), SizeIs(1));
}

}  // namespace
}  // namespace strop::agent
