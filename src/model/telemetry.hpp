// What lane P2 is counted by: three signals, the hour of production, and why a record did not get through.
// docs/formats/telemetry-ledger.md. Values only; any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "model/records.hpp"

namespace fluxrig::model {

enum class Signal : std::uint8_t { kSpans = 0, kMetrics = 1, kLogs = 2 };
inline constexpr std::size_t kSignals = 3;
inline constexpr std::array<Signal, kSignals> kAllSignals = {Signal::kSpans, Signal::kMetrics, Signal::kLogs};
[[nodiscard]] constexpr std::string_view to_string(Signal signal) noexcept {
  constexpr std::array<std::string_view, kSignals> kNames = {"spans", "metrics", "logs"};
  return kNames[static_cast<std::size_t>(signal)];
}
// Of a record that travels in lane telemetry.
[[nodiscard]] constexpr Signal signal_of(const Record& record) noexcept {
  if (std::holds_alternative<MetricPoint>(record)) return Signal::kMetrics;
  return std::holds_alternative<Log>(record) ? Signal::kLogs : Signal::kSpans;
}

struct SignalCounts {
  std::array<std::uint64_t, kSignals> counts{};

  [[nodiscard]] static constexpr SignalCounts of(Signal signal, std::uint64_t count) noexcept {
    SignalCounts one;
    one[signal] = count;
    return one;
  }
  [[nodiscard]] constexpr std::uint64_t& operator[](Signal signal) noexcept {
    return counts[static_cast<std::size_t>(signal)];
  }
  [[nodiscard]] constexpr std::uint64_t operator[](Signal signal) const noexcept {
    return counts[static_cast<std::size_t>(signal)];
  }
  [[nodiscard]] constexpr std::uint64_t total() const noexcept { return counts[0] + counts[1] + counts[2]; }
  constexpr SignalCounts& operator+=(const SignalCounts& other) noexcept {
    for (std::size_t i = 0; i < kSignals; ++i) counts[i] += other.counts[i];
    return *this;
  }
  friend bool operator==(const SignalCounts&, const SignalCounts&) = default;
};

// Whole hours since 1970-01-01T00:00Z, by the rack's wall clock.
struct Hour {
  std::int64_t value = 0;
  static constexpr std::int64_t kNanos = 3600 * kNanosPerSecond;

  [[nodiscard]] static constexpr Hour of(UnixNanos time) noexcept {
    return {time.value / kNanos - (time.value % kNanos < 0 ? 1 : 0)};
  }
  [[nodiscard]] constexpr UnixNanos start() const noexcept { return {value * kNanos}; }
  [[nodiscard]] constexpr UnixNanos end() const noexcept { return {(value + 1) * kNanos}; }
  friend auto operator<=>(const Hour&, const Hour&) = default;
};

enum class DropCause : std::uint8_t {
  // Before the record had a sequence.
  kRingFull,            // the tap's ring had no room for child spans
  kQueueFull,           // the lane's memory bound was reached
  kRestrictedSampling,  // the pressure state RESTRICT keeps fewer child spans than the scenario asks for
  kOversize,            // one record over the limit
  kDisabled,            // the lane has nowhere to go: no mixer is configured, or no disk is allowed to it
  // Of a closed batch, whose sequences are then named.
  kEvicted,   // from the local WAL: its limit, or the disk's, was reached
  kShutdown,  // still in memory when the rack stopped, and the WAL did not take it
};
inline constexpr std::size_t kDropCauses = 7;
[[nodiscard]] constexpr std::string_view to_string(DropCause cause) noexcept {
  constexpr std::array<std::string_view, kDropCauses> kNames = {
      "ring_full", "queue_full", "restricted_sampling", "oversize", "disabled", "evicted", "shutdown"};
  return kNames[static_cast<std::size_t>(cause)];
}

}  // namespace fluxrig::model
