// Whether racks should send less for the sake of an export: the fill of its queue, as long as asking for less
// can help. A back end that takes nothing is not helped by it, and racks that are held back do not replay: so
// a dead one costs its own queue and nothing else (docs/adr/0013). Pure. One thread.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"

namespace fluxrig::pressure {

class ExportGauge {
 public:
  static constexpr std::int64_t kNoProgress = 30 * kNanosPerSecond;  // nothing was taken for so long: dead
  static constexpr std::int64_t kLongest = 120 * kNanosPerSecond;    // longer it did not help
  static constexpr double kFull = 0.8;                               // from here on it counts as full
  static constexpr double kRelieved = 0.5;                           // below, it may ask anew

  // `saturation` of the fullest queue, 0 to 1; `taken`: items that back ends have answered for, ever. 0: no
  // reason to ask; else the saturation.
  double look(double saturation, std::uint64_t taken, MonotonicNanos now) noexcept;

 private:
  std::uint64_t taken_ = 0;
  std::optional<MonotonicNanos> progress_at_;
  std::optional<MonotonicNanos> full_since_;
};

}  // namespace fluxrig::pressure
