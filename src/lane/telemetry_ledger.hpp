// What became of lane P2 in this epoch, by hour, signal and cause, and what of it the audit lane has been
// told. Callers add in batches; the totals by cause are DropCounters' and counted there. Any thread.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "base/clock.hpp"
#include "model/telemetry_ledger.hpp"

namespace fluxrig::lane {

class TelemetryLedger {
 public:
  static constexpr std::int64_t kStateEvery = 60 * kNanosPerSecond;
  // Two weeks: a clock that is set back finds its hour again.
  static constexpr std::size_t kMaxHours = 14 * 24;
  // So many wait for no minute to pass: the backlog remembers only so many over a crash.
  static constexpr std::size_t kManyLost = 128;
  // Not yet stated; more are left out, and the mixer shows them as not accounted for.
  static constexpr std::size_t kMaxLost = 8192;

  // Batches were closed.
  void add_produced(model::Hour hour, const model::SignalCounts& records);
  // Before they had a sequence. They count as produced too.
  void add_dropped(model::Hour hour, model::DropCause cause, const model::SignalCounts& records);
  // Of closed batches, of this epoch or an earlier one. One that grew replaces itself.
  void add_lost(const model::LostTelemetry& lost);

  enum class Occasion : std::uint8_t {
    kRunning,  // what changed, when it is time
    kLast,     // the epoch ends: everything that is not said yet
  };
  // Hands statements to `offer` until it refuses one: false then, and what is refused is stated the next
  // time.
  using Offer = std::function<bool(model::Log)>;
  bool state(const Clock& clock, Occasion occasion, const Offer& offer);

 private:
  struct Tally {
    std::uint64_t produced = 0;
    std::array<std::uint64_t, model::kDropCauses> dropped{};
    bool changed = false;
  };
  struct HourTally {
    std::array<Tally, model::kSignals> signals;
    bool closed = false;  // and said so
    [[nodiscard]] bool changed() const noexcept;
  };
  struct Saying {
    UnixNanos now;
    bool closed = false;
    bool last = false;
  };

  [[nodiscard]] HourTally& at(model::Hour hour);
  [[nodiscard]] static bool state_hour(model::Hour hour, HourTally& tally, const Saying& saying,
                                       const Offer& offer);
  [[nodiscard]] bool state_lost(UnixNanos now, const Offer& offer);

  std::mutex mutex_;  // guards all below
  std::map<model::Hour, HourTally> hours_;
  std::map<std::pair<Epoch, Sequence>, model::LostTelemetry> lost_;  // not yet stated
  MonotonicNanos next_{};
};

}  // namespace fluxrig::lane
