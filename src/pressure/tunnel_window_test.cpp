#include <gtest/gtest.h>

#include <cmath>

#include "pressure/window_sender.hpp"

namespace fluxrig::pressure {
namespace {

constexpr double kRates[] = {50e3, 256e3, 1e6, 10e6, 100e6, 1e9};
constexpr std::int64_t kRoundTrips[] = {20, 100, 300, 800};

TEST(TunnelWindow, UsesAnyLinkAndKeepsItsQueueAtTwoChunks) {
  for (const double rate : kRates) {
    for (const auto round_trip : kRoundTrips) {
      SCOPED_TRACE(testing::Message() << rate << " bit/s, " << round_trip << " ms, seed 1");
      Sender run(link_of(rate, round_trip), 1);
      run.until(400 * kSecond);
      run.until(800 * kSecond);
      // More than the largest window cannot be under way.
      const auto& window = run.window();
      const double bound = static_cast<double>(TunnelWindow::Options{}.largest_window) /
                           (static_cast<double>(round_trip) / 1e3) / (rate / 8);
      EXPECT_GT(run.used(), std::min(0.8, 0.8 * bound));
      // What is on the link, and one more; on a fast link, what fits into the target.
      const double chunk = 1024.0 / (rate / 8) * kSecond;
      const double allowed = std::max(2.2 * chunk, 1.25 * static_cast<double>(window.target_nanos()));
      EXPECT_LE(run.waited(0.98), allowed);
      EXPECT_LE(run.most_in_flight(), TunnelWindow::Options{}.largest_window);
      EXPECT_GE(window.chunk_bytes(), 1024U);
      EXPECT_LE(window.chunk_bytes(), 24U << 10);
    }
  }
}

// TCP itself carries no more than this over a lossy path (Mathis et al., 1997, with a packet of 1,460 bytes).
double tcp_share(double rate, std::int64_t round_trip_ms, double loss) {
  const double tcp = 1460 * std::sqrt(1.5 / loss) / (static_cast<double>(round_trip_ms) / 1e3);
  return std::min(1.0, tcp / (rate / 8));
}

TEST(TunnelWindow, UnderLossItCarriesAboutWhatTcpItselfWouldCarry) {
  for (const double rate : kRates) {
    for (const auto round_trip : kRoundTrips) {
      for (const double loss : {0.001, 0.01}) {
        SCOPED_TRACE(testing::Message()
                     << rate << " bit/s, " << round_trip << " ms, loss " << loss << ", seed 2");
        Sender run(link_of(rate, round_trip, loss), 2);
        run.until(120 * kSecond);
        run.until(240 * kSecond);
        EXPECT_GT(run.used(), 0.5 * tcp_share(rate, round_trip, loss) * 0.8);
      }
    }
  }
}

TEST(TunnelWindow, AChunkOccupiesTheLinkForAtMostHalfTheTargetOnceItIsAboveTheLeast) {
  for (const double rate : kRates) {
    for (const auto round_trip : kRoundTrips) {
      SCOPED_TRACE(testing::Message() << rate << " bit/s, " << round_trip << " ms, seed 3");
      Sender run(link_of(rate, round_trip), 3);
      for (int second = 5; second < 100; second += 5) {
        run.until(second * kSecond);
        const double occupied = static_cast<double>(run.window().chunk_bytes()) / (rate / 8) * kSecond;
        const bool least = run.window().chunk_bytes() == 1024;
        // The rate is measured, not known: a tenth of doubt.
        EXPECT_TRUE(least || occupied <= 0.55 * static_cast<double>(run.window().target_nanos())) << occupied;
      }
    }
  }
}

TEST(TunnelWindow, FollowsALinkThatBecomesNarrowAndWideAgain) {
  Sender run(link_of(10e6, 100), 4);
  run.until(60 * kSecond);
  run.link().bytes_per_s = 1e6 / 8;
  run.until(70 * kSecond);  // the time to notice
  run.until(120 * kSecond);
  EXPECT_GT(run.used(), 0.7);
  EXPECT_LE(run.waited(0.98), 25.0 * kMilli);
  run.link().bytes_per_s = 10e6 / 8;
  run.until(180 * kSecond);
  run.until(200 * kSecond);
  EXPECT_GT(run.used(), 0.8);
}

TEST(TunnelWindow, APathThatBecameLongerIsBelievedWithinAMinuteOrTwo) {
  Sender run(link_of(10e6, 50), 5);
  run.until(60 * kSecond);
  run.link().round_trip = 400 * kMilli;
  run.until(200 * kSecond);
  run.until(230 * kSecond);
  EXPECT_GT(run.used(), 0.5);
}

TEST(TunnelWindow, KeepsTheBaseDelayTrueThroughHoursOfBacklog) {
  Sender run(link_of(1e6, 100), 6);
  run.until(3600 * kSecond);
  run.until(7200 * kSecond);
  EXPECT_NEAR(static_cast<double>(run.window().base_nanos()), 108.2 * kMilli, 3.0 * kMilli);
  EXPECT_LE(run.waited(0.99), 20.0 * kMilli);
  EXPECT_GT(run.used(), 0.8);
}

TEST(TunnelWindow, AServerThatSyncsNowAndThenIsNoQueue) {
  auto link = link_of(10e6, 20);
  link.noise_percent = 5;
  link.server_noise = 200 * kMilli;
  Sender run(link, 7);
  run.until(60 * kSecond);
  run.until(120 * kSecond);
  EXPECT_GT(run.used(), 0.7);
}

// As a radio link, or a server on a busy machine, delays: every message by something else.
TEST(TunnelWindow, APathThatVariesByItselfIsNoQueue) {
  for (const std::int64_t noise_ms : {4, 10, 20}) {
    SCOPED_TRACE(testing::Message() << noise_ms << " ms, seed 10");
    auto link = link_of(4e6, 40);
    link.noise_percent = 100;
    link.server_noise = noise_ms * kMilli;
    Sender run(link, 10);
    run.live_every(16 * kMilli);  // so that no message ever goes alone
    run.until(60 * kSecond);
    run.until(180 * kSecond);
    EXPECT_GT(run.used(), 0.6);
    EXPECT_LE(run.waited(0.99), static_cast<double>(noise_ms * kMilli));
    EXPECT_LE(run.window().noise_nanos(), noise_ms * kMilli);
  }
}

TEST(TunnelWindow, BesideBusinessMessagesLessIsTakenForNoise) {
  const auto mean_window = [](bool business) {
    auto link = link_of(4e6, 40);
    link.noise_percent = 100;
    link.server_noise = 10 * kMilli;
    Sender run(link, 10);
    run.live_every(16 * kMilli);
    std::uint64_t sum = 0;
    for (int i = 1; i <= 1200; ++i) {
      run.until((1 + i / 10) * kSecond + i % 10 * 100 * kMilli);
      // Met no queue, and so closes nothing of itself.
      if (business) run.window().observe(300, run.window().base_nanos(), {run.now()});
      sum += run.window().window_bytes();
    }
    return sum / 1200;
  };
  EXPECT_LT(mean_window(true), mean_window(false));
}

TEST(TunnelWindow, BesideBusinessOnAPathThatVariesABacklogStillMoves) {
  for (const std::uint64_t noise_ms : {4, 10, 20}) {
    SCOPED_TRACE(testing::Message() << noise_ms << " ms, seed 10");
    auto link = link_of(4e6, 40);
    link.noise_percent = 100;
    link.server_noise = static_cast<std::int64_t>(noise_ms) * kMilli;
    Sender run(link, 10);
    SeededRandom random(3);
    run.live_every(16 * kMilli);
    double used = 0;
    for (int i = 1; i <= 1800; ++i) {
      run.until((1 + i / 10) * kSecond + i % 10 * 100 * kMilli);
      const auto late = static_cast<std::int64_t>(random.below(noise_ms * kMilli));
      run.window().observe(300, 40 * kMilli + late, {run.now()});
      if (i > 600) used += run.used() / 1200;
    }
    EXPECT_GT(used, 0.4);
  }
}

// A busy machine at either end: nothing is faster than its ticks, whatever the link carries.
TEST(TunnelWindow, AWideLinkIsFoundWideAlthoughItsDelaysTellNothing) {
  for (std::uint64_t seed = 12; seed < 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Sender run(link_of(1e9, 40), seed);
    run.answers_every(4 * kMilli);
    run.live_every(2 * kMilli);
    run.wakes_late(2 * kMilli);
    run.until(11 * kSecond);
    EXPECT_GT(run.delivered(), 10'000'000U);
  }
}

TEST(TunnelWindow, ASenderThatWakesLateUsesTheLinkAllTheSame) {
  Sender run(link_of(4e6, 40), 11);
  run.wakes_late(10 * kMilli);
  run.until(60 * kSecond);
  run.until(120 * kSecond);
  EXPECT_GT(run.used(), 0.5);
  EXPECT_LE(run.waited(0.99), 12.5 * kMilli) << "what it makes up for at once, and a chunk";
}

TEST(TunnelWindow, AnotherLanesDelayClosesItBeforeItsOwnAcknowledgementsDo) {
  Sender run(link_of(10e6, 100), 8);
  run.until(60 * kSecond);
  const auto before = run.window().window_bytes();
  for (int i = 0; i < 5; ++i) run.window().observe(300, 400 * kMilli, {run.now() + i * 10 * kMilli});
  EXPECT_LT(run.window().window_bytes(), before);
  const auto narrow = run.window().window_bytes();
  for (int i = 0; i < 100; ++i)
    run.window().observe(300, 100 * kMilli, {run.now() + kSecond + i * 10 * kMilli});
  EXPECT_EQ(run.window().window_bytes(), narrow);  // and never opens it
}

}  // namespace
}  // namespace fluxrig::pressure
