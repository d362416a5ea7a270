// The fleet's centre: one stream, one store with a capacity, and the product's own Sensor and FleetBudget,
// driven as mixer::PressureDesk drives them. One thread; the world's events.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <vector>

#include "model/pressure.hpp"
#include "pressure/fleet_budget.hpp"
#include "pressure/sensor.hpp"
#include "sim/fleet_checks.hpp"
#include "sim/fleet_events.hpp"
#include "sim/fleet_message.hpp"

namespace fluxrig::sim {

class FleetMixer {
 public:
  static constexpr std::int64_t kTurnEvery = 250 * kNanosPerMilli;
  static constexpr std::int64_t kLeaseEvery = 2 * kNanosPerSecond;
  static constexpr std::uint32_t kLeaseMs = 10'000;
  static constexpr std::int64_t kCommitTarget = 2 * kNanosPerSecond;
  static constexpr std::int64_t kBatchEvery = 250 * kNanosPerMilli;
  static constexpr std::int64_t kCommitCost = 5 * kNanosPerMilli;  // however small the batch
  static constexpr std::int64_t kRetryAfter = 500 * kNanosPerMilli;

  struct Parts {
    const FleetPlan& plan;
    FleetEvents& events;
    FleetChecks& checks;
    std::function<void(const FleetMessage&)> on_stored;
    std::function<void(std::uint32_t)> send_lease;  // to this rack
    std::function<bool()> backlog_left;             // anywhere
  };
  explicit FleetMixer(Parts parts);

  // False: the stream is full, and refuses.
  [[nodiscard]] bool offer(const FleetMessage& message);
  void report(std::uint32_t rack, const pressure::RackDemand& demand);
  void turn();
  void work();       // kMixerWork
  void committed();  // kCommitted
  void set_store(bool up) { store_up_ = up; }
  // Nobody reaches the mixer, or they do again.
  void set_bus(bool up) { bus_up_ = up; }

  [[nodiscard]] model::PressureLease lease(std::uint32_t rack);
  [[nodiscard]] std::uint64_t waiting_bytes() const noexcept { return stream_bytes_ + batch_bytes_; }
  [[nodiscard]] const FleetBytes& waiting() const noexcept { return waiting_; }
  [[nodiscard]] const FleetBytes& stored() const noexcept { return stored_; }
  [[nodiscard]] std::uint64_t highest_waiting() const noexcept { return highest_waiting_; }
  [[nodiscard]] std::uint64_t level_changes() const noexcept { return sensor_.changes(); }

 private:
  [[nodiscard]] pressure::MixerFigures look(std::int64_t now);
  [[nodiscard]] double queue_seconds();
  void share(std::int64_t now);
  void plan_work(std::int64_t at);

  struct Commit {
    std::int64_t at = 0;
    std::int64_t nanos = 0;
    std::uint64_t bytes = 0;
  };
  static constexpr std::size_t kCommits = 64;
  static constexpr std::int64_t kCommitAge = 30 * kNanosPerSecond;

  Parts parts_;
  pressure::Sensor sensor_{{}};
  pressure::FleetBudget budget_{{}};
  std::uint64_t sequence_ = 0;
  std::int64_t shared_at_ = -kLeaseEvery;
  std::array<std::uint64_t, 3> looks_{};
  std::size_t look_ = 0;

  std::deque<FleetMessage> stream_;
  std::uint64_t stream_bytes_ = 0;
  FleetBytes waiting_{};  // in the stream and in the batch, by lane
  std::uint64_t highest_waiting_ = 0;
  FleetBytes stored_{};

  std::vector<FleetMessage> batch_;
  std::uint64_t batch_bytes_ = 0;
  std::int64_t began_ = 0;
  bool committing_ = false;
  bool planned_ = false;  // kMixerWork is under way
  bool store_up_ = true;
  bool bus_up_ = true;
  std::int64_t failing_since_ = -1;
  std::array<Commit, kCommits> commits_{};
  std::size_t commit_ = 0;
  // Since the last share.
  std::uint64_t taken_ = 0;
  std::int64_t busy_ = 0;
  double fill_ = 0;
  std::uint64_t batches_ = 0;
};

}  // namespace fluxrig::sim
