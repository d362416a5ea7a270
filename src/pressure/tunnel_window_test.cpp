#include "pressure/tunnel_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <queue>
#include <vector>

#include "pressure/link_model.hpp"

namespace fluxrig::pressure {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;
constexpr std::int64_t kMilli = kNanosPerMilli;

// A sender with an endless backlog over one link; woken by pacing and by acknowledgements alone.
class Sender {
 public:
  Sender(LinkModel link, std::uint64_t seed, TunnelWindow::Options options = {})
      : link_(link), random_(seed), window_(options) {}

  // Until `until`; forgets what was measured before.
  void until(std::int64_t until) {
    waits_.clear();
    delivered_ = 0;
    began_ = now_;
    while (now_ < until) {
      for (; live_every_ != 0 && live_at_ <= now_; live_at_ += live_every_) ++live_waiting_;
      for (; live_waiting_ > 0 && window_.may_send(kLiveBytes, {now_}); --live_waiting_) send(kLiveBytes);
      while (live_waiting_ == 0 && window_.may_send(window_.chunk_bytes(), {now_}))
        send(window_.chunk_bytes());
      now_ = std::max(now_ + 1, std::min(next(), until)) + wakes_late_;
      for (; !flight_.empty() && flight_.top().first <= now_; flight_.pop()) {
        delivered_ += flight_.top().second.bytes;
        window_.acknowledged(flight_.top().second, {wakes_late_ == 0 ? now_ : flight_.top().first});
      }
      most_in_flight_ = std::max(most_in_flight_, window_.in_flight_bytes());
    }
  }
  // Fresh records come as well, one each `nanos`, and go before the backlog.
  void live_every(std::int64_t nanos) {
    live_every_ = nanos;
    live_at_ = now_;
  }
  void wakes_late(std::int64_t nanos) { wakes_late_ = nanos; }
  // The server looks at its work so often, and answers all that came together.
  void answers_every(std::int64_t nanos) { tick_ = nanos; }
  // All that is in flight arrives, and nothing new leaves.
  void drain() {
    for (; !flight_.empty(); flight_.pop()) {
      now_ = flight_.top().first;
      window_.acknowledged(flight_.top().second, {now_});
    }
  }
  // Of the link's rate.
  [[nodiscard]] double used() const {
    return static_cast<double>(delivered_) / link_.bytes_per_s /
           (static_cast<double>(now_ - began_) / kSecond);
  }
  // How long chunks waited for the link, at this quantile.
  [[nodiscard]] double waited(double quantile) {
    std::sort(waits_.begin(), waits_.end());
    return waits_.empty()
               ? 0
               : static_cast<double>(
                     waits_[static_cast<std::size_t>(quantile * static_cast<double>(waits_.size() - 1))]);
  }
  [[nodiscard]] TunnelWindow& window() { return window_; }
  [[nodiscard]] LinkModel& link() { return link_; }
  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  [[nodiscard]] std::uint64_t most_in_flight() const { return most_in_flight_; }

 private:
  using InFlight = std::pair<std::int64_t, TunnelWindow::Ticket>;
  struct Later {
    bool operator()(const InFlight& a, const InFlight& b) const { return a.first > b.first; }
  };
  static constexpr std::uint64_t kLiveBytes = 700;

  void send(std::uint64_t bytes) {
    const auto ticket = window_.sent(bytes, {now_});
    const std::int64_t answered = link_.send(bytes, {now_}, random_).answered.value;
    flight_.emplace((answered + tick_ - 1) / tick_ * tick_, ticket);
    waits_.push_back(link_.waited);
  }
  [[nodiscard]] std::int64_t next() const {
    const std::int64_t paced = window_.next_send().value;
    const std::int64_t acknowledged = flight_.empty() ? paced : flight_.top().first;
    const std::int64_t next = paced > now_ ? std::min(paced, acknowledged) : acknowledged;
    return live_every_ == 0 ? next : std::min(next, live_at_);
  }

  LinkModel link_;
  SeededRandom random_;
  TunnelWindow window_;
  std::priority_queue<InFlight, std::vector<InFlight>, Later> flight_;
  std::vector<std::int64_t> waits_;
  std::int64_t now_ = kSecond;
  std::int64_t began_ = 0;
  std::int64_t live_every_ = 0, live_at_ = 0;
  std::int64_t wakes_late_ = 0;
  std::int64_t tick_ = 1;
  std::uint64_t live_waiting_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t most_in_flight_ = 0;
};

LinkModel link_of(double bits_per_s, std::int64_t round_trip_ms, double loss = 0) {
  LinkModel link;
  link.bytes_per_s = bits_per_s / 8;
  link.round_trip = round_trip_ms * kMilli;
  link.loss = loss;
  link.noise_percent = 1;
  return link;
}

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

// Woken at its turn, and then kept by a budget: a burst afterwards would be one more chunk for all others.
TEST(TunnelWindow, WhatItWaitsForBesideThePaceIsNotMadeUpFor) {
  TunnelWindow window({});
  MonotonicNanos now{kSecond};
  for (int i = 0; i < 4; ++i) {
    const auto ticket = window.sent(1000, now);
    now.value += 55 * kMilli;
    window.acknowledged(ticket, now);
  }
  (void)window.sent(300, now);
  for (int i = 0; i < 4; ++i) {
    ASSERT_FALSE(window.may_send(300, now)) << i << ": two at once";
    const MonotonicNanos turn = window.next_send();
    ASSERT_TRUE(window.may_send(300, turn)) << i;
    now = {turn.value + 20 * kMilli};
    (void)window.sent(300, now);
  }
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

TEST(TunnelWindow, BelowOneChunkARoundTripItPacesAndNeverStops) {
  // A queue of others that never drains: 2 s on a path of 100 ms.
  TunnelWindow window({});
  MonotonicNanos now{kSecond};
  window.acknowledged(window.sent(1024, now), {now.value + 100 * kMilli});
  std::int64_t last = 0, longest = 0;
  int sent = 0;
  for (int i = 0; i < 60; ++i) {
    now = {std::max(now.value + 2100 * kMilli, window.next_send().value)};
    ASSERT_TRUE(window.may_send(window.chunk_bytes(), now)) << i;
    if (last != 0) longest = std::max(longest, now.value - last);
    last = now.value;
    window.acknowledged(window.sent(window.chunk_bytes(), now), {now.value + 2100 * kMilli});
    ++sent;
  }
  EXPECT_EQ(sent, 60);
  EXPECT_LT(longest, 5 * kSecond);
}

TEST(TunnelWindow, AMessageLargerThanTheWindowGoesAlone) {
  TunnelWindow window({});
  EXPECT_TRUE(window.may_send(1 << 20, {kSecond}));
  const auto ticket = window.sent(1 << 20, {kSecond});
  EXPECT_FALSE(window.may_send(1, {kSecond}));
  window.acknowledged(ticket, {2 * kSecond});
  EXPECT_EQ(window.in_flight_bytes(), 0U);
  EXPECT_TRUE(window.may_send(1024, std::max(window.next_send(), MonotonicNanos{2 * kSecond})));
}

TEST(TunnelWindow, ALargeMessageGoesBesideASteadyFlowOfSmallOnes) {
  TunnelWindow window({});
  const auto first = window.sent(700, {kSecond});
  EXPECT_TRUE(window.may_send(1024, {kSecond}));
  EXPECT_TRUE(window.may_send(20'000, {kSecond})) << "there is always a small one in flight";
  const auto second = window.sent(20'000, {kSecond});
  EXPECT_FALSE(window.may_send(1, {kSecond})) << "one of them is all that goes beyond the window";
  window.acknowledged(first, {kSecond + kMilli});
  window.acknowledged(second, {kSecond + 2 * kMilli});
}

TEST(TunnelWindow, FailuresOfOneRoundTripCountOnceAndGiveTheirRoomBack) {
  Sender run(link_of(10e6, 100), 9);
  run.until(60 * kSecond);
  TunnelWindow window = run.window();
  const auto before = window.window_bytes();
  std::vector<TunnelWindow::Ticket> tickets;
  for (int i = 0; i < 10; ++i) tickets.push_back(window.sent(1024, {run.now()}));
  const auto loaded = window.in_flight_bytes();
  for (const auto& ticket : tickets) window.failed(ticket, {run.now() + 5 * kSecond});
  EXPECT_EQ(loaded - window.in_flight_bytes(), 10'240U);
  EXPECT_NEAR(static_cast<double>(window.window_bytes()), static_cast<double>(before) / 2, 1024);
}

TEST(TunnelWindow, WhatBelongedToALostConnectionIsForgotten) {
  TunnelWindow window({});
  const auto ticket = window.sent(1024, {kSecond});
  window.disconnected();
  EXPECT_EQ(window.in_flight_bytes(), 0U);
  const auto next = window.sent(1024, {2 * kSecond});
  window.acknowledged(ticket, {3 * kSecond});
  window.failed(ticket, {3 * kSecond});
  EXPECT_EQ(window.in_flight_bytes(), 1024U);
  EXPECT_EQ(window.base_nanos(), 0);
  window.acknowledged(next, {2 * kSecond + 50 * kMilli});
  EXPECT_EQ(window.base_nanos(), 50 * kMilli);
}

TEST(TunnelWindow, AfterASilenceItStartsSmallAgain) {
  Sender run(link_of(10e6, 100), 10);
  run.until(60 * kSecond);
  run.drain();
  TunnelWindow& window = run.window();
  ASSERT_GT(window.window_bytes(), 100'000U);
  const auto chunk = window.chunk_bytes();
  (void)window.sent(chunk, {run.now() + 10 * kSecond});
  EXPECT_LE(window.window_bytes(), 2 * chunk);
}

}  // namespace
}  // namespace fluxrig::pressure
