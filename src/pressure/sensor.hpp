// The mixer's own state of health, as one level for its racks: 0 fine, 1 send less, 2 keep it, 3 the mixer
// itself is in danger. Each figure has a level of its own; the worst rules and is the cause. Up at once, down
// one level after the other, each after a dwell: so it cannot flap. docs/mixer.md lists the thresholds. Pure:
// no clock, no thread, no output. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "model/pressure.hpp"

namespace fluxrig::pressure {

using model::PressureCause;

// As of one moment. nullopt: not known just now, and the figure keeps the level that it had.
struct MixerFigures {
  // Since the first commit that failed, when none has succeeded after it; 0: the store takes writes.
  std::optional<double> sink_failing_seconds;
  // The slowest but one in a hundred of late, or the one that runs if that is longer, against the target.
  std::optional<double> commit_over_target;
  std::optional<double> queue_seconds;  // what waits in the streams, at the speed of the store
  std::optional<double> stream_fill;    // of the fuller one of FLUX_AUDIT and FLUX_TELEMETRY; 1: full
  std::optional<double> disk_scarcity;  // see scarcity()
  std::optional<double> memory_scarcity;
  std::optional<double> export_saturation;  // see ExportGauge
};

// How scarce something is that runs out: `wanted` free, at most a tenth of all, over what is free. 1: as
// little as should be.
[[nodiscard]] double scarcity(std::uint64_t free, std::uint64_t total, std::uint64_t wanted) noexcept;

class Sensor {
 public:
  // From `enter[i]` on a figure stands at level i + 1, until it is back under `enter[i] * kLeave`.
  using Thresholds = std::array<double, model::kMaxPressureLevel>;
  static constexpr double kLeave = 0.8;
  static constexpr double kNever = 1e300;
  struct Options {
    Thresholds sink_failing_seconds{1e-9, 2, 30};  // any failure at all is level 1
    Thresholds commit_over_target{1, 4, 16};
    Thresholds queue_seconds{10, 30, kNever};
    Thresholds stream_fill{0.5, 0.75, 0.9};
    Thresholds disk_scarcity{1, 2, 4};
    Thresholds memory_scarcity{1, 2, 4};
    // No worse than sending less: the store is well, and a back end is not ours to protect.
    Thresholds export_saturation{0.8, kNever, kNever};
    std::int64_t dwell = 5 * kNanosPerSecond;  // below the level for so long, then it falls by one
  };
  struct Reading {
    std::uint8_t level = 0;
    PressureCause cause = PressureCause::kNone;
    double figure = 0;  // of the cause, in its own unit; 0 at level 0
    bool operator==(const Reading&) const = default;
  };

  explicit Sensor(Options options) : options_(options) {}

  Reading look(const MixerFigures& figures, MonotonicNanos now);
  [[nodiscard]] const Reading& reading() const noexcept { return reading_; }
  // How often the level has changed.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }

 private:
  struct Gauge {
    std::uint8_t level = 0;
    double figure = 0;
  };
  static constexpr std::size_t kGauges = 8;  // kSinkErrors to kExport; kOperator is never read

  void read(PressureCause cause, const std::optional<double>& figure, const Thresholds& enter);
  [[nodiscard]] PressureCause worst() const;
  [[nodiscard]] const Gauge& gauge(PressureCause cause) const;

  Options options_;
  std::array<Gauge, kGauges> gauges_{};
  Reading reading_;
  std::optional<MonotonicNanos> better_since_;  // every figure has been below the level since then
  std::uint64_t changes_ = 0;
};

}  // namespace fluxrig::pressure
