// Reads the mixer's figures, and tells the racks what they may send: one lease for each that is here every
// kLeaseEvery, all at once when the level rises. The core without a thread: `turn` does what there is to do
// now; PressureThread calls it. One thread, except where said.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "mixer/api/api.hpp"
#include "mixer/host_figures.hpp"
#include "mixer/presence.hpp"
#include "mixer/sink_watch.hpp"
#include "model/pressure.hpp"
#include "pressure/export_gauge.hpp"
#include "pressure/fleet_budget.hpp"
#include "pressure/sensor.hpp"
#include "snake/bus.hpp"

namespace fluxrig::mixer {

// How full the exporter's fullest queue is (0 to 1), and what its back ends have answered for, ever.
struct ExportFill {
  double saturation = 0;
  std::uint64_t taken = 0;
};

class PressureDesk {
 public:
  static constexpr std::int64_t kLeaseEvery = 2 * kNanosPerSecond;
  static constexpr std::int64_t kHostEvery = 2 * kNanosPerSecond;

  struct Parts {  // none owned, all outlive this
    snake::Bus& bus;
    const Presence& presence;
    SinkWatch& sink;
    const Clock& clock;
    Diagnostics& diagnostics;
    std::function<std::vector<StreamFill>()> streams;  // as last seen; empty: not known
    std::function<std::optional<Room>()> disk;
    std::function<std::optional<Room>()> memory;
    std::function<ExportFill()> exporting = {};  // empty: nothing is exported
  };
  struct Options {
    std::int64_t commit_target_nanos = 2 * kNanosPerSecond;  // of the 99th percentile
    std::uint64_t least_free_disk = 4ULL << 30;              // or a tenth of all, if that is less
    std::uint64_t least_free_memory = 512ULL << 20;          // likewise
    std::uint32_t lease_ms = 10'000;                         // four leases in a row may be lost
    pressure::Sensor::Options sensor;
    pressure::FleetBudget::Options budget;
  };
  PressureDesk(Parts parts, Options options);

  void turn();
  // Any thread: the rack has just come, and has its lease with the next turn.
  void greet(const MachineId& machine);
  [[nodiscard]] PressureStanding standing() const;  // as of the last turn; any thread

 private:
  [[nodiscard]] pressure::MixerFigures look(MonotonicNanos now);
  [[nodiscard]] std::optional<double> queue_seconds(const std::vector<StreamFill>& streams,
                                                    double store_bytes_per_s);
  bool sense(MonotonicNanos now);  // true: the level has risen
  void share(MonotonicNanos now);
  void tell_all(bool risen);
  void tell_new();
  [[nodiscard]] bool publish(const std::string& subject, const pressure::RackGrant& grant);
  void note_standing();

  Parts parts_;
  const Options options_;
  const UnixNanos started_;
  pressure::Sensor sensor_;
  pressure::ExportGauge export_gauge_;
  pressure::FleetBudget budget_;
  std::optional<MonotonicNanos> shared_at_;
  std::optional<MonotonicNanos> host_at_;
  std::optional<double> disk_scarcity_;
  std::optional<double> memory_scarcity_;
  std::array<std::uint64_t, 12>
      waiting_bytes_{};  // in the streams: the last 3 s, when turned as usual; a ring
  std::size_t looks_ = 0;
  std::uint64_t sequence_ = 0;

  mutable std::mutex mutex_;     // what is below
  std::set<MachineId> greeted_;  // bounded by the index
  PressureStanding standing_;
};

}  // namespace fluxrig::mixer
