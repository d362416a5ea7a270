// One rack of the fleet, in bytes: the product's own state machine, lease, tunnel window and sensor, and
// paces of live and replay, around two queues and two backlogs. Its records are bytes and times; that no
// record is lost is the other simulator's matter. One thread; the world's events.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/random.hpp"
#include "lane/token_bucket.hpp"
#include "pressure/lease_keeper.hpp"
#include "pressure/link_model.hpp"
#include "pressure/replay_pace.hpp"
#include "pressure/state_machine.hpp"
#include "pressure/tunnel_sensor.hpp"
#include "pressure/tunnel_window.hpp"
#include "sim/fleet_checks.hpp"
#include "sim/fleet_events.hpp"
#include "sim/fleet_message.hpp"
#include "sim/fleet_mixer.hpp"

namespace fluxrig::sim {

class FleetRack {
 public:
  static constexpr std::int64_t kTickEvery = kNanosPerSecond;
  static constexpr std::int64_t kTickAlone = 10 * kNanosPerSecond;  // in DIVERT without connection
  static constexpr std::int64_t kHeartbeatEvery = 5 * kNanosPerSecond;
  static constexpr std::int64_t kAckTimeout = 5 * kNanosPerSecond;
  // Live records that have waited for longer are backlog: newer ones must not queue behind them.
  static constexpr std::int64_t kLiveLag = 3 * kNanosPerSecond;
  // With a budget and a backlog so long without any progress: a livelock.
  static constexpr std::int64_t kNoProgress = 180 * kNanosPerSecond;

  struct Parts {
    const FleetPlan& plan;
    FleetEvents& events;
    FleetChecks& checks;
    FleetMixer& mixer;
    Random& random;
  };
  FleetRack(Parts parts, std::uint32_t index);

  void tick();
  void wake(std::uint32_t generation);
  void arrive(std::uint32_t slot, std::uint32_t generation);
  void acknowledge(std::uint32_t slot, std::uint32_t generation);
  void take_lease(const model::PressureLease& lease);
  void stored(const FleetMessage& message);
  // One more, or one less, of the outages that this rack is in.
  void link_down();
  void link_up();
  void notice();  // the client sees what the link is now

  [[nodiscard]] bool reachable() const noexcept { return outages_ == 0; }
  [[nodiscard]] std::int64_t one_way() const noexcept { return link_.round_trip / 2; }
  // Neither live nor stored.
  [[nodiscard]] std::uint64_t backlog_bytes() const noexcept;
  [[nodiscard]] pressure::PressureState state() const noexcept { return machine_.state(); }
  [[nodiscard]] const FleetBytes& produced() const noexcept { return produced_; }
  [[nodiscard]] const FleetBytes& dropped() const noexcept { return dropped_; }
  // In queues, backlogs and under way to the stream.
  [[nodiscard]] FleetBytes held() const noexcept;
  // What it has in memory: live queues and what is under way.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

 private:
  struct Slab {  // records of one tick
    std::int64_t produced_at = 0;
    std::uint64_t bytes = 0;
  };
  struct Slot {
    FleetMessage message;
    pressure::TunnelWindow::Ticket ticket;
    std::uint32_t generation = 0;
    bool busy = false;
    bool arrived = false;  // and taken by the stream
    bool refused = false;
  };
  enum class Choice : std::uint8_t { kNothing, kSent, kWait };

  void produce();
  void produce(FleetLane lane, double bytes, std::int64_t since);
  [[nodiscard]] std::uint64_t sampled(std::uint64_t bytes);
  void put_backlog(FleetLane lane, std::uint64_t bytes);
  void live_to_backlog(std::int64_t before);
  void expire();
  void step();
  void enter(const pressure::Transition& transition);
  void report();
  void check_progress();
  void send();
  [[nodiscard]] bool send_live(FleetLane lane);
  [[nodiscard]] bool send_backlog(FleetLane lane);
  [[nodiscard]] bool window_lets(std::uint64_t bytes);
  void dispatch(const FleetMessage& message);
  void wake_at(std::int64_t at);
  std::uint32_t take_slot();
  void free_slot(std::uint32_t slot);
  void lose(std::uint32_t slot);

  Parts parts_;
  const FleetRackPlan& plan_;
  std::uint32_t index_;
  pressure::LinkModel link_;
  int outages_ = 0;
  bool connected_ = true;

  pressure::LeaseKeeper lease_;
  pressure::StateMachine machine_;
  pressure::TunnelSensor sensor_{{}};
  pressure::TunnelWindow window_{{}};
  pressure::ReplayPace replay_;
  lane::TokenBucket pace_;  // of live records in RESTRICT
  bool paced_ = false;

  std::int64_t produced_until_ = 0;
  std::array<double, kFleetLanes> carry_{};  // parts of a byte
  std::array<std::deque<Slab>, kFleetLanes> live_;
  FleetBytes live_bytes_{};
  FleetBytes backlog_{};
  FleetBytes under_way_{};          // to the stream
  std::uint64_t backlog_sent_ = 0;  // of the backlog: on its way, or taken and not stored
  FleetBytes produced_{};
  FleetBytes dropped_{};
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::deque<std::uint32_t> order_;  // of sending
  std::int64_t heartbeat_at_ = 0;
  std::int64_t progress_at_ = 0;
  std::int64_t wake_at_ = 0;  // 0: none
  std::uint32_t wake_generation_ = 0;
  double live_rate_ = 0;
};

}  // namespace fluxrig::sim
