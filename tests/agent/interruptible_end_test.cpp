// Waiting in the kernel, and being called back from there.
#include "agent/interruptible_end.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>

#include "agent/relay_ends.h"

namespace strop::agent {
namespace {

class InterruptibleEndTest : public testing::TestWithParam<Wire> {
 protected:
  InterruptibleEndTest() {
    ::signal(SIGPIPE, SIG_IGN);
    auto [read, write] = make_wire(GetParam());
    read_ = std::move(read);
    write_ = std::move(write);
  }
  InterruptibleEnd reader() { return {std::move(read_), InterruptibleEnd::Use::kRead}; }
  InterruptibleEnd writer() { return {std::move(write_), InterruptibleEnd::Use::kWrite}; }

  FileDescriptor read_;
  FileDescriptor write_;
  std::array<char, 64> buffer_{};
};
INSTANTIATE_TEST_SUITE_P(Wires, InterruptibleEndTest, testing::Values(Wire::kPipe, Wire::kSocket),
                         [](const auto& wire) {
                           return wire.param == Wire::kPipe ? "Pipe" : "Socket";
                         });

TEST_P(InterruptibleEndTest, ReadsWhatThereIsAndThenTheEnd) {
  InterruptibleEnd end = reader();
  end.attach();
  ASSERT_EQ(::write(write_.get(), "abc", 3), 3);
  EXPECT_EQ(end.waiting_bytes(), 3u);
  EXPECT_EQ(end.read(buffer_.data(), buffer_.size()), 3);
  write_.close();
  EXPECT_EQ(end.read(buffer_.data(), buffer_.size()), 0);
  end.detach();
}

TEST_P(InterruptibleEndTest, AnInterruptIsToldOnceAndNothingIsLost) {
  InterruptibleEnd end = reader();
  end.attach();
  ASSERT_EQ(::write(write_.get(), "abc", 3), 3);
  end.interrupt();
  end.interrupt();
  EXPECT_EQ(end.waiting_bytes(), 3u);
  EXPECT_EQ(end.read(buffer_.data(), buffer_.size()), InterruptibleEnd::kInterrupted);
  EXPECT_EQ(end.read(buffer_.data(), buffer_.size()), 3);
  end.detach();
}

// Whether the reader waits already, is about to, or has just had something.
TEST_P(InterruptibleEndTest, NoInterruptComesTooEarlyOrTooLate) {
  InterruptibleEnd end = reader();
  constexpr int kRounds = 20'000;
  std::atomic<int> told{0};
  std::atomic<int> bytes{0};
  std::thread reading([&] {
    end.attach();
    while (told < kRounds) {
      const ssize_t got = end.read(buffer_.data(), buffer_.size());
      if (got == InterruptibleEnd::kInterrupted)
        ++told;
      else
        bytes += static_cast<int>(got);
    }
    end.detach();
  });
  int sent = 0;
  for (int i = 0; i < kRounds; ++i) {
    if (i % 3 == 0) {
      ASSERT_EQ(::write(write_.get(), "x", 1), 1);
      ++sent;
    }
    const int before = told;
    end.interrupt();
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (told == before) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "round " << i;
      std::this_thread::yield();
    }
  }
  reading.join();
  EXPECT_EQ(static_cast<std::size_t>(sent), static_cast<std::size_t>(bytes) + end.waiting_bytes());
}

TEST_P(InterruptibleEndTest, ComesBackFromAWriteThatNobodyReads) {
  InterruptibleEnd end = writer();
  const std::string much(4u << 20, 'x');
  std::size_t written = 0;
  ssize_t last = 0;
  std::atomic<bool> began{false};
  std::thread writing([&] {
    end.attach();
    began = true;
    while ((last = end.write(much.data(), much.size())) > 0)
      written += static_cast<std::size_t>(last);
    end.detach();
  });
  while (!began) std::this_thread::yield();
  end.interrupt();
  writing.join();
  EXPECT_EQ(last, InterruptibleEnd::kInterrupted);
  EXPECT_LT(written, much.size());
  // There may be room left, and that is all that is taken.
  ssize_t more = 0;
  while ((more = end.write_now(much.data(), much.size())) > 0)
    written += static_cast<std::size_t>(more);
  EXPECT_LT(written, much.size());
}

TEST_P(InterruptibleEndTest, ADescriptorThatIsNotToWaitIsWaitedForAllTheSame) {
  read_ = unblocked(std::move(read_));
  InterruptibleEnd end = reader();
  std::thread reading([&] {
    end.attach();
    EXPECT_EQ(end.read(buffer_.data(), buffer_.size()), 3);
    EXPECT_EQ(end.read(buffer_.data(), buffer_.size()), InterruptibleEnd::kInterrupted);
    end.detach();
  });
  ASSERT_EQ(::write(write_.get(), "abc", 3), 3);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (end.waiting_bytes() > 0) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  end.interrupt();
  reading.join();
}

TEST_P(InterruptibleEndTest, MovesBetweenPipesUntilTheEndOrAnInterrupt) {
  auto [read, write] = make_wire(GetParam());
  InterruptibleEnd from = reader();
  InterruptibleEnd to(std::move(write), InterruptibleEnd::Use::kWrite);
  from.attach();
  to.attach();
  ASSERT_EQ(::write(write_.get(), "abc", 3), 3);
  if (GetParam() != Wire::kPipe) {
    EXPECT_EQ(from.move_to(to, 2), InterruptibleEnd::kNotMovable);
    EXPECT_EQ(from.waiting_bytes(), 3u);
    return;
  }
  EXPECT_EQ(from.move_to(to, 2), 2);
  ASSERT_EQ(::read(read.get(), buffer_.data(), buffer_.size()), 2);
  EXPECT_EQ(std::string_view(buffer_.data(), 2), "ab");
  from.interrupt();
  EXPECT_EQ(from.move_to(to, 2), InterruptibleEnd::kInterrupted);
  EXPECT_EQ(from.move_to(to, 2), 1);
  to.interrupt();
  ASSERT_EQ(::write(write_.get(), "d", 1), 1);
  EXPECT_EQ(from.move_to(to, 2), InterruptibleEnd::kInterrupted);
  EXPECT_EQ(to.write("", 1), InterruptibleEnd::kInterrupted);  // it was the other's
  write_.close();
  EXPECT_EQ(from.move_to(to, 2), 1);
  EXPECT_EQ(from.move_to(to, 2), 0);
}

TEST_P(InterruptibleEndTest, KnowsWhenItIsFull) {
  InterruptibleEnd end = writer();
  end.attach();
  EXPECT_FALSE(end.is_full());
  const std::string some(1000, 'x');
  while (end.write_now(some.data(), some.size()) > 0) {
  }
  EXPECT_TRUE(end.is_full());
}

TEST_P(InterruptibleEndTest, WritingToNobodyIsAnError) {
  InterruptibleEnd end = writer();
  end.attach();
  read_.close();
  EXPECT_EQ(end.write("abc", 3), -1);
  EXPECT_EQ(errno, EPIPE);
  end.detach();
}

TEST_P(InterruptibleEndTest, ClosedItHearsNothing) {
  InterruptibleEnd end = writer();
  end.close();
  end.interrupt();
  EXPECT_EQ(end.waiting_bytes(), 0u);
  EXPECT_EQ(::read(read_.get(), buffer_.data(), buffer_.size()), 0);
}

}  // namespace
}  // namespace strop::agent
