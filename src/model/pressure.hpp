// The pressure lease: what the mixer lets a rack send, and for how long. docs/formats/pressure.md. Published
// on flux.pressure.<machine_id> every few seconds, and on flux.pressure.all when the level rises, at most
// once: a lost lease is followed by the next one. Any thread; values only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace fluxrig::model {

inline constexpr std::uint8_t kPressureVersion = 1;
inline constexpr std::uint8_t kMaxPressureLevel = 3;
inline constexpr std::uint32_t kMaxLeaseMs = 3'600'000;

// How a rack treats its telemetry; business messages (P0) are live in all four.
enum class PressureState : std::uint8_t { kNormal = 0, kRestrict = 1, kDivert = 2, kReplay = 3 };
inline constexpr std::array<std::string_view, 4> kPressureStateNames{"normal", "restrict", "divert",
                                                                     "replay"};
[[nodiscard]] constexpr std::string_view name_of(PressureState state) noexcept {
  return kPressureStateNames[static_cast<std::size_t>(state)];
}
[[nodiscard]] std::optional<PressureState> pressure_state(std::string_view name) noexcept;

// Why the mixer asks for less. kUnknown: one of a later release.
enum class PressureCause : std::uint8_t {
  kNone = 0,
  kSinkErrors = 1,
  kCommitLatency = 2,
  kQueueDepth = 3,
  kStreamFill = 4,
  kDisk = 5,
  kMemory = 6,
  kOperator = 7,
  kExport = 8,
  kUnknown = 9
};
inline constexpr std::array<std::string_view, 10> kPressureCauseNames{
    "none", "sink_errors", "commit_latency", "queue_depth", "stream_fill",
    "disk", "memory",      "operator",       "export",      "unknown"};
[[nodiscard]] constexpr std::string_view name_of(PressureCause cause) noexcept {
  return kPressureCauseNames[static_cast<std::size_t>(cause)];
}

struct PressureLease {
  UnixNanos mixer_started;     // which start of which mixer says so
  std::uint64_t sequence = 0;  // grows with each lease of that start, over all racks
  std::uint8_t level = 0;      // 0 to kMaxPressureLevel
  PressureCause cause = PressureCause::kNone;
  std::uint64_t replay_bytes_per_s = 0;  // of the backlog (P1 and P2); 0: pause
  std::uint32_t lease_ms = 0;            // valid for, from its arrival, by the rack's monotonic clock
  std::optional<std::uint64_t> pace_bytes_per_s;  // of live P1 and P2 in RESTRICT; nullopt: no limit
  friend bool operator==(const PressureLease&, const PressureLease&) = default;
};

// Whether `next` is to be followed after `last`: leases may overtake each other on their way. Those of
// another start are always followed: the clock that names a start may have been put back.
[[nodiscard]] bool supersedes(const PressureLease& next, const PressureLease& last) noexcept;

void encode(const PressureLease& lease, Bytes& out);  // appends one CBOR map
// Hostile bytes. kUnsupported for another version, kInvalid for a value out of its range or anything else
// that is no lease. Keys that are not known are ignored; a cause that is not known becomes kUnknown.
[[nodiscard]] Result<PressureLease> decode_pressure_lease(ByteView bytes);

}  // namespace fluxrig::model
