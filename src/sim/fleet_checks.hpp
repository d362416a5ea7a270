// What must hold for the fleet, looked at while it runs: the first that does not ends the run. And the
// figures of the run. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/pressure.hpp"
#include "sim/fleet_message.hpp"
#include "sim/fleet_plan.hpp"
#include "sim/oracle.hpp"

namespace fluxrig::sim {

class FleetChecks {
 public:
  // A store that became slower is found out by the time it takes: the load of so long after each step down is
  // counted apart.
  static constexpr std::int64_t kSlowerGrace = 15 * kNanosPerSecond;
  static constexpr std::int64_t kLatenessLimit = 5 * kNanosPerSecond;  // 99 % of the live messages
  static constexpr double kLatenessQuantile = 0.99;
  static constexpr std::uint64_t kFewest = 1000;  // messages that a quantile needs

  explicit FleetChecks(const FleetPlan& plan) : plan_(plan) {}

  // Bytes that reach the mixer.
  void arrived(std::uint64_t bytes, std::int64_t now);
  void stored(const FleetMessage& message, std::int64_t now, bool backlog_left);
  void transition(model::PressureState to) { ++transitions_[static_cast<std::size_t>(to)]; }
  void fail(std::string_view promise, std::string detail, std::int64_t now);
  // After the last event: the quantile.
  void finish(std::int64_t now);

  [[nodiscard]] const std::optional<BrokenPromise>& broken() const noexcept { return broken_; }
  // What the store can take at this time, bytes per second.
  [[nodiscard]] double capacity(std::int64_t now) const noexcept;

  struct Figures {
    double highest_load = 0;          // of one second, over the capacity; 1: full
    double highest_load_slower = 0;   // within kSlowerGrace of a step down
    double mean_load_draining = 0;    // while there was a backlog and the mixer was there
    std::uint64_t live_messages = 0;  // stored while there was a backlog
    double lateness_p50_s = 0, lateness_p99_s = 0, lateness_p999_s = 0, lateness_max_s = 0;
    std::array<std::uint64_t, 4> transitions{};  // by the state entered
  };
  [[nodiscard]] Figures figures() const;

 private:
  static constexpr std::int64_t kBucket = 10 * kNanosPerMilli;
  static constexpr std::size_t kBuckets = 60'000;  // ten minutes, and more

  void close_second();
  [[nodiscard]] double lateness(double quantile) const;
  [[nodiscard]] bool just_slower(std::int64_t now) const noexcept;

  const FleetPlan& plan_;
  std::optional<BrokenPromise> broken_;
  std::int64_t second_ = 0;
  std::uint64_t second_bytes_ = 0;
  bool draining_ = false;
  double draining_load_ = 0;
  std::uint64_t draining_seconds_ = 0;
  double highest_ = 0, highest_slower_ = 0;
  std::vector<std::uint64_t> lateness_ = std::vector<std::uint64_t>(kBuckets);
  std::uint64_t live_messages_ = 0;
  std::int64_t latest_ = 0;
  std::array<std::uint64_t, 4> transitions_{};
};

}  // namespace fluxrig::sim
