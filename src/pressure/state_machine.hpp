// The rack's pressure state: NORMAL, RESTRICT, DIVERT, REPLAY, out of the mixer's lease, the connection, the
// tunnel's own sensor, the backlog and the operator's will. Worse at once, better only after a minimum dwell
// and a time without the worse demand: so it cannot flap faster than the dwell. docs/formats/pressure.md,
// section "States". Pure: no clock, no thread, no output; each transition is returned for the caller to write
// as a P1 record, a metric and a line. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "pressure/cause.hpp"
#include "pressure/lease_keeper.hpp"
#include "pressure/state_table.hpp"

namespace fluxrig::pressure {

// TunnelSensor's view of the link.
struct TunnelReading {
  std::uint8_t level = 0;             // 0: fine; 1: slow; 2: stalled
  std::int64_t ack_nanos = 0;         // smoothed; 0: not known
  std::int64_t baseline_nanos = 0;    // what it used to be; 0: not known
  std::uint64_t in_flight_bytes = 0;  // telemetry without acknowledgement
  friend bool operator==(const TunnelReading&, const TunnelReading&) = default;
};

// An operator's command. It holds against everything but a lost connection, and ends by itself.
struct Forced {
  PressureState state = PressureState::kNormal;
  MonotonicNanos until;
  friend bool operator==(const Forced&, const Forced&) = default;
};

struct Transition {
  PressureState from = PressureState::kNormal;
  PressureState to = PressureState::kNormal;
  Cause cause;
  MonotonicNanos at;
  std::int64_t lasted_nanos = 0;  // the time in `from`
  // The figures of that moment.
  std::uint8_t mixer_level = 0;  // of a valid lease; 0 otherwise
  TunnelReading tunnel;
  std::uint64_t backlog_bytes = 0;
};

// One line: "normal -> divert after 12.3 s: mixer, sink_errors (mixer level 2, tunnel level 0,
// acknowledgement 21 ms, baseline 20 ms, in flight 4096 bytes, backlog 0 bytes)".
[[nodiscard]] std::string to_string(const Transition& transition);

class StateMachine {
 public:
  struct Options {
    std::int64_t disconnect_grace = kNanosPerSecond;  // a reconnection faster than this is no pressure
    std::int64_t hold = 3 * kNanosPerSecond;          // so long a worse demand must be gone
    // So long a state lasts before it gets better, by PressureState.
    std::array<std::int64_t, 4> dwell{2 * kNanosPerSecond, 5 * kNanosPerSecond, 5 * kNanosPerSecond,
                                      2 * kNanosPerSecond};
  };
  struct Input {
    MonotonicNanos now;  // an earlier one than before counts as the same
    LeaseView lease;
    bool connected = false;
    TunnelReading tunnel;
    std::uint64_t backlog_bytes = 0;  // P1 and P2 neither receipted nor live
    std::optional<Forced> forced;
  };

  StateMachine(MonotonicNanos now, Options options);

  // At most one transition a step.
  std::optional<Transition> step(const Input& input);

  [[nodiscard]] PressureState state() const noexcept { return state_; }
  // What holds it there now: the worst demand while it lasts, then what it was.
  [[nodiscard]] Cause cause() const noexcept { return cause_; }
  // When the state may change by time alone, as of the last step; nullopt: not without another input. The
  // lease's own expiry is LeaseKeeper::next_change.
  [[nodiscard]] std::optional<MonotonicNanos> next_due() const noexcept { return next_due_; }
  // How long it has been in each state, as of the last step.
  [[nodiscard]] std::int64_t nanos_in(PressureState state) const noexcept {
    return nanos_in_[static_cast<std::size_t>(state)];
  }
  [[nodiscard]] std::uint64_t transitions() const noexcept { return transitions_; }

 private:
  struct Asked {
    Demand demand = Demand::kClear;
    Cause cause;
  };

  void pass_time(MonotonicNanos now, bool connected);
  [[nodiscard]] Asked ask(const Input& input) const;
  void remember(Demand demand);
  [[nodiscard]] bool lost_connection() const noexcept;
  [[nodiscard]] MonotonicNanos settled_at(PressureState to) const noexcept;
  void plan_next(const Input& input, Demand demand);
  Transition go(PressureState to, Cause cause, const Input& input);

  Options options_;
  PressureState state_ = PressureState::kNormal;
  Cause cause_;
  MonotonicNanos now_;
  MonotonicNanos entered_;
  std::optional<MonotonicNanos> disconnected_since_;
  Demand demand_ = Demand::kClear;                             // of the last step
  std::optional<MonotonicNanos> restrict_seen_, divert_seen_;  // when so much or more was last asked for
  std::optional<MonotonicNanos> next_due_;
  std::array<std::int64_t, 4> nanos_in_{};
  std::uint64_t transitions_ = 0;
};

}  // namespace fluxrig::pressure
