// What tests of settling share.
//
// A test's own. One thread.
#pragma once

#include <string>
#include <vector>

#include "agent/tracker_fixture.h"

namespace strop::agent::test {

class SettlingTest : public TrackerTest {
 protected:
  // An accepted `with`, at the cursor.
  void accept(const std::string& with) {
    offer(with);
    wait_ms(100);
    apply();
  }
  std::vector<double> times() const {
    std::vector<double> out;
    for (const Settled& state : all<Settled>()) out.push_back(state.after_ms);
    return out;
  }
  Settled at_close() {
    wait_ms(11'000);
    close();
    return settled();
  }
};

}  // namespace strop::agent::test
