// What tests of popup completion lists share.
//
// A test's own. One thread.
#pragma once

#include <string>
#include <vector>

#include "agent/tracker_fixture.h"

namespace strop::agent::test {

class PopupTest : public TrackerTest {
 protected:
  static json labels(const std::vector<std::string>& names) {
    json items = json::array();
    for (const std::string& name : names) items.push_back({{"label", name}});
    return items;
  }
};

}  // namespace strop::agent::test
