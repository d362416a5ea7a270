// What one run is like, all of it decided by the seed: sizes, pace, and which faults come how often. Values.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "sim/oracle.hpp"

namespace fluxrig::sim {

enum class Fault : std::uint8_t {
  kKillRack,       // between two operations, at one of the disk's, or at one of the bus's
  kPowerLossRack,  // the same, and what was not synced is lost, torn or reordered
  kKillMixer,
  kDiskError,      // EIO or ENOSPC from the next operations of one kind
  kDiskFull,       // for a while
  kBitFlip,        // in a segment, the receipts or the epoch file
  kPartition,      // of one actor, for a while
  kServerRestart,  // may lose the end of its streams: an acknowledgement is not durability
  kServerWipe,     // all streams are gone
  kSinkDown,       // for a while
  kSinkHalfway,    // the next commits fail in their middle, or succeed and say they failed
  kClockJump,      // a rack's wall clock
  kDivert,         // an operator keeps a rack in DIVERT for a while, and then in REPLAY
};
inline constexpr std::size_t kFaults = 13;
[[nodiscard]] std::string_view to_string(Fault fault) noexcept;

struct Plan {
  std::uint64_t seed = 0;
  std::uint64_t steps = 0;  // events until the faults stop and everything must drain

  std::size_t racks = 1;
  bool commit = true;  // durability; false: interval
  std::int64_t interval = 5'000'000;
  std::int64_t transaction_gap = 0;  // mean, of one rack, nanoseconds
  std::int64_t fault_gap = 0;        // mean, of all
  std::uint64_t segment_bytes = 0;
  std::uint64_t directory_bytes = 0;
  std::size_t spare_segments = 0;
  std::size_t ring_bytes = 0;
  std::size_t telemetry_queue_bytes = 0;
  double sampling = 1.0;
  std::array<std::uint32_t, kFaults> weights{};  // 0: does not happen in this run

  // Of a thousand.
  std::uint32_t acknowledgements_lost = 0;  // stored, and the publisher is not told
  std::uint32_t publishes_lost = 0;
  std::uint32_t publishes_doubled = 0;
  std::uint32_t deliveries_lost = 0;
  std::int64_t delay = 0;  // mean of one way
  std::uint64_t stream_bytes = 0;

  std::uint64_t backlog_bytes = 0;       // of telemetry on disk; 0: it could not be opened
  std::uint64_t backlog_free_bytes = 0;  // that it leaves free
  std::uint32_t lease_ms = 0;            // of the mixer's; 0: an older mixer, that sends none
  // An operator's REPLAY lasts so many times as long as the DIVERT before it. Over 1: the bus is cut and the
  // streams refuse in the middle of it.
  std::uint32_t replay_stretch = 1;

  IntentRule intent = IntentRule::kAsync;
  bool continue_when_full = false;  // on_full
  // Of a thousand.
  std::uint32_t posts = 0;         // transactions that are sent to the other rack over the bus
  std::uint32_t peers_away = 0;    // a peer cannot be reached: it may work later
  std::uint32_t peers_refuse = 0;  // a failure for good
  std::uint32_t peers_silent = 0;  // no answer ever
  std::size_t spool_window = 64;
  std::uint64_t business_bytes = 0;  // of the stream of P0 messages

  // Bits rot in this run; then no power is lost, which could explain the same damage away.
  [[nodiscard]] bool rots() const noexcept { return weights[static_cast<std::size_t>(Fault::kBitFlip)] != 0; }
  friend bool operator==(const Plan&, const Plan&) = default;
  [[nodiscard]] Promises promises() const noexcept { return {commit, interval, intent, rots()}; }
};

struct PlanOptions {
  bool disk_errors = false;  // EIO and ENOSPC at single operations; then neither of the two below
  bool bit_rot = true;       // in a third of the runs; and on_full: continue in a half
  bool long_replay = true;   // in a quarter of the runs
};
[[nodiscard]] Plan make_plan(std::uint64_t seed, std::uint64_t steps, const PlanOptions& options = {});

}  // namespace fluxrig::sim
