// The desk over a real nats-server: what racks hear of it with their own certificates and permissions.
#include "mixer/pressure_desk.hpp"

#include <gtest/gtest.h>

#include "base/test_gate.hpp"
#include "snake/subjects.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::mixer {
namespace {

using snake::testing::Mailbox;
using snake::testing::TestServer;

constexpr std::int64_t kSecond = kNanosPerSecond;

// A rack's ears: its own subject and everybody's.
struct Listener {
  Listener(std::unique_ptr<snake::NatsBus> connection, const MachineId& machine)
      : bus(std::move(connection)) {
    const auto take = [this](snake::Delivery delivery) {
      if (auto lease = model::decode_pressure_lease(delivery.payload))
        heard.put({delivery.subject == snake::kPressureForAll, *lease});
    };
    for (const auto& subject : {snake::pressure_subject(machine), std::string(snake::kPressureForAll)}) {
      auto subscription = bus->subscribe(subject, take);
      if (subscription) subscriptions.push_back(*std::move(subscription));
    }
    if (!bus->flush(std::chrono::seconds(5))) ADD_FAILURE() << "no flush";
  }
  struct Heard {
    bool by_all = false;
    model::PressureLease lease;
  };
  std::unique_ptr<snake::NatsBus> bus;
  Mailbox<Heard> heard;
  std::vector<std::unique_ptr<snake::Subscription>> subscriptions;  // end before the mailbox
};

class PressureDeskTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new TestServer;
    server_->start();
  }
  static void TearDownTestSuite() { delete std::exchange(server_, nullptr); }

  PressureDeskTest()
      : bus_(server_->mixer()),
        diagnostics_(clock_, 2, DiagnosticFormat::kText, Severity::kError, pass_unsearched) {
    desk_ = std::make_unique<PressureDesk>(
        PressureDesk::Parts{*bus_, presence_, sink_, clock_, diagnostics_, [this] { return streams_; },
                            [this] { return disk_; },
                            [] {
                              return Room{8ULL << 30, 16ULL << 30};
                            }},
        PressureDesk::Options{});
  }

  void heartbeat(const MachineId& machine, std::uint64_t backlog) {
    model::RackPressure pressure;
    pressure.backlog_bytes = backlog;
    presence_.heartbeat(machine, "rack", {Epoch{1}, "{}", pressure}, clock_.now());
  }
  void turn_after(std::int64_t nanos) {
    clock_.advance(nanos);
    desk_->turn();
  }
  void commit(bool stored) {
    sink_.began(clock_.monotonic());
    clock_.advance(kNanosPerMilli);
    sink_.ended(clock_.monotonic(), {stored, 1000, 0.1, 0});
  }
  static Listener listen_as_edge() { return {server_->edge_bus(), server_->edge}; }
  static Listener listen_as_host() { return {server_->host_bus(), server_->host}; }

  static TestServer* server_;
  ManualClock clock_;
  std::unique_ptr<snake::NatsBus> bus_;
  Diagnostics diagnostics_;
  Presence presence_;
  SinkWatch sink_;
  std::vector<StreamFill> streams_{{"FLUX_AUDIT", 0, 0, 1000, {}}, {"FLUX_TELEMETRY", 0, 0, 1000, {}}};
  std::optional<Room> disk_ = Room{50ULL << 30, 100ULL << 30};
  std::unique_ptr<PressureDesk> desk_;
};
TestServer* PressureDeskTest::server_ = nullptr;

TEST_F(PressureDeskTest, ARackThatIsHereHasALeaseWithItsShare) {
  Listener edge = listen_as_edge();
  heartbeat(server_->edge, 1U << 20);
  desk_->turn();
  const auto heard = edge.heard.take();
  ASSERT_TRUE(heard);
  EXPECT_FALSE(heard->by_all);
  EXPECT_EQ(heard->lease.level, 0);
  EXPECT_EQ(heard->lease.cause, model::PressureCause::kNone);
  EXPECT_GT(heard->lease.replay_bytes_per_s, 0U);
  EXPECT_LE(heard->lease.replay_bytes_per_s, desk_->standing().capacity_bytes_per_s);
  EXPECT_FALSE(heard->lease.pace_bytes_per_s);
  EXPECT_EQ(heard->lease.lease_ms, PressureDesk::Options{}.lease_ms);
}

TEST_F(PressureDeskTest, LeasesComeEveryTwoSecondsAndTheirSequenceGrows) {
  Listener edge = listen_as_edge();
  heartbeat(server_->edge, 0);
  for (int i = 0; i < 17; ++i) turn_after(kSecond / 4);  // 4 s: at 0, 2 and 4
  std::uint64_t before = 0;
  for (int i = 0; i < 3; ++i) {
    const auto heard = edge.heard.take();
    ASSERT_TRUE(heard) << i;
    EXPECT_GT(heard->lease.sequence, before);
    before = heard->lease.sequence;
  }
  EXPECT_EQ(desk_->standing().leases, 3U);
}

TEST_F(PressureDeskTest, ARiseReachesEverybodyAtOnceAndPausesReplay) {
  Listener edge = listen_as_edge();
  Listener host = listen_as_host();  // the mixer has not heard of it yet
  heartbeat(server_->edge, 1U << 20);
  desk_->turn();
  ASSERT_TRUE(edge.heard.take());
  commit(false);
  turn_after(kSecond / 4);
  const auto all = host.heard.take();
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->by_all);
  EXPECT_EQ(all->lease.level, 1);
  EXPECT_EQ(all->lease.cause, model::PressureCause::kSinkErrors);
  EXPECT_EQ(all->lease.replay_bytes_per_s, 0U);
  std::uint64_t last = 0;
  for (int i = 0; i < 2; ++i) {  // by .all, and its own
    const auto heard = edge.heard.take();
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->lease.level, 1);
    EXPECT_EQ(heard->lease.replay_bytes_per_s, 0U);
    EXPECT_TRUE(heard->lease.pace_bytes_per_s);
    last = std::max(last, heard->lease.sequence);
  }
  EXPECT_EQ(last, all->lease.sequence + 1);
}

TEST_F(PressureDeskTest, AStoreThatGoesOnFailingIsWorse) {
  Listener edge = listen_as_edge();
  heartbeat(server_->edge, 0);
  commit(false);
  desk_->turn();
  EXPECT_EQ(desk_->standing().level, 1);
  turn_after(2 * kSecond);
  EXPECT_EQ(desk_->standing().level, 2);
  commit(true);
  for (int i = 0; i < 50; ++i) turn_after(kSecond / 4);
  EXPECT_EQ(desk_->standing().level, 0);
  EXPECT_EQ(desk_->standing().changes, 4U);
}

TEST_F(PressureDeskTest, AGreetedRackDoesNotWaitForTheRound) {
  Listener edge = listen_as_edge();
  desk_->turn();
  desk_->greet(server_->edge);
  turn_after(kNanosPerMilli);
  const auto heard = edge.heard.take();
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->lease.replay_bytes_per_s, 0U);  // its share comes with the round
  turn_after(kNanosPerMilli);
  EXPECT_EQ(desk_->standing().leases, 1U);  // once
}

TEST_F(PressureDeskTest, ARackThatIsGoneHasNoLease) {
  heartbeat(server_->edge, 1U << 20);
  desk_->turn();
  EXPECT_EQ(desk_->standing().racks, 1U);
  turn_after(Presence::kAbsentAfter + 1);
  EXPECT_EQ(desk_->standing().racks, 0U);
  EXPECT_EQ(desk_->standing().leases, 1U);
}

TEST_F(PressureDeskTest, FullStreamsAndAFullDiskAreCauses) {
  streams_[1].bytes = 800;
  desk_->turn();
  EXPECT_EQ(desk_->standing().level, 2);
  EXPECT_EQ(desk_->standing().cause, model::PressureCause::kStreamFill);
  disk_ = Room{1ULL << 30, 100ULL << 30};
  turn_after(PressureDesk::kHostEvery);
  EXPECT_EQ(desk_->standing().level, 3);
  EXPECT_EQ(desk_->standing().cause, model::PressureCause::kDisk);
}

TEST_F(PressureDeskTest, ABurstIsNoQueueAndAQueueIs) {
  streams_ = {{"FLUX_AUDIT", 0, 100ULL << 20, 100ULL << 30, {}}};  // 200 s of work at first
  for (int i = 0; i < 8; ++i) turn_after(kSecond / 4);
  streams_[0].bytes = 0;
  for (int i = 0; i < 8; ++i) turn_after(kSecond / 4);
  EXPECT_EQ(desk_->standing().changes, 0U);
  streams_[0].bytes = 100ULL << 20;
  for (int i = 0; i < 20; ++i) turn_after(kSecond / 4);
  EXPECT_EQ(desk_->standing().level, 2);
  EXPECT_EQ(desk_->standing().cause, model::PressureCause::kQueueDepth);
}

}  // namespace
}  // namespace fluxrig::mixer
