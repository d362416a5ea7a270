#include "rack/io_loop.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace fluxrig::rack {
namespace {

using std::chrono::milliseconds;

struct IoLoopTest : testing::Test {
  SystemClock clock;
  boost::asio::io_context io{1};
  boost::asio::steady_timer timer{io};
  std::size_t waiting = 0;
  IoLoop loop{io, clock, [this] { return waiting; }};

  // `turns` handlers, one after the other; the next is due when `pause` has passed.
  void tick(int turns, std::chrono::nanoseconds pause) {
    if (turns == 0) return;
    timer.expires_after(pause);
    timer.async_wait([this, turns, pause](const boost::system::error_code&) {
      ++ran;
      tick(turns - 1, pause);
    });
  }
  int ran = 0;
};

TEST_F(IoLoopTest, EndsWhenItIsOutOfWork) {
  tick(3, milliseconds(1));
  loop.run();
  EXPECT_EQ(ran, 3);
}

TEST_F(IoLoopTest, EndsWhenItIsStoppedWhileAReplyWaits) {
  waiting = 1;
  tick(100, milliseconds(0));
  boost::asio::post(io, [this] { io.stop(); });
  loop.run();
  EXPECT_LT(ran, 100);
}

TEST_F(IoLoopTest, NeverLingersWhenNoReplyWaitsForTheDisk) {
  tick(50, std::chrono::microseconds(20));
  loop.run();
  EXPECT_EQ(ran, 50);
  EXPECT_EQ(loop.lingered(), 0U);
}

TEST_F(IoLoopTest, NeverLingersWhenManyWait) {
  waiting = IoLoop::kMostWaiting + 1;
  tick(50, std::chrono::microseconds(20));
  loop.run();
  EXPECT_EQ(loop.lingered(), 0U);
}

// Time passes whenever somebody asks for it: longer than the loop would linger, and soon enough to try.
struct HastyClock final : Clock {
  [[nodiscard]] UnixNanos now() const noexcept override { return {}; }
  [[nodiscard]] MonotonicNanos monotonic() const noexcept override { return {elapsed += IoLoop::kLinger}; }
  mutable std::int64_t elapsed = 0;
};

TEST_F(IoLoopTest, ADiskThatTakesItsTimeIsSleptThrough) {
  static_assert(IoLoop::kLinger < IoLoop::kBackSoon);
  const HastyClock hasty;
  IoLoop impatient(io, hasty, [] { return std::size_t{1}; });
  const int turns = 2 * static_cast<int>(IoLoop::kPause);
  tick(turns, milliseconds(5));
  impatient.run();
  EXPECT_EQ(ran, turns);
  EXPECT_GT(impatient.lingered(), 0U);  // it tried
  EXPECT_LE(impatient.lingered(), 8U);  // and tried again only after a pause
}

TEST_F(IoLoopTest, ACallerThatIsNotBackSoonIsNotWaitedForAwake) {
  boost::asio::steady_timer back{io};
  std::function<void(int)> answer = [&](int left) {
    waiting = 0;  // answered; back after more than kBackSoon
    if (left == 0) return;
    back.expires_after(milliseconds(3));
    back.async_wait([&, left](const boost::system::error_code&) {
      waiting = 1;
      timer.expires_after(std::chrono::microseconds(50));
      timer.async_wait([&, left](const boost::system::error_code&) { answer(left - 1); });
    });
  };
  answer(20);
  loop.run();
  EXPECT_EQ(loop.lingered(), 0U);
}

}  // namespace
}  // namespace fluxrig::rack
