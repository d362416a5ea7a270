// The rack's side of the pressure chain as its link drives it: leases, the operator's will and what the link
// senses go in; the state, and leave to send, come out. Decides nothing of its own: the state machine, the
// lease and the paces are src/pressure's. One thread (the link's).
#pragma once

#include <cstdint>
#include <optional>

#include "base/random.hpp"
#include "lane/token_bucket.hpp"
#include "model/agent.hpp"
#include "pressure/replay_pace.hpp"
#include "pressure/state_machine.hpp"

namespace fluxrig::rack {

class PressureControl {
 public:
  // What the link sees at this moment.
  struct Situation {
    bool connected = false;
    pressure::TunnelReading tunnel;
    std::uint64_t backlog_bytes = 0;  // P1 and P2
  };

  PressureControl(Random& random, MonotonicNanos now);

  // It holds from `arrived` on, not from when somebody looks at it.
  void take(const model::PressureLease& lease, MonotonicNanos arrived, MonotonicNanos now);
  // The mixer answered a hello.
  void welcomed(MonotonicNanos now) { leases_.welcomed(now); }
  // An operator's command; nullopt gives the state back to the machine.
  void force(std::optional<pressure::Forced> forced) noexcept { forced_ = forced; }

  // At most one transition; the caller tells the world of it.
  std::optional<pressure::Transition> step(const Situation& situation, MonotonicNanos now);
  [[nodiscard]] model::PressureState state() const noexcept { return machine_.state(); }
  [[nodiscard]] bool diverting() const noexcept { return state() == model::PressureState::kDivert; }
  [[nodiscard]] bool restricting() const noexcept { return state() == model::PressureState::kRestrict; }

  // True: paid for; send it now. In RESTRICT live records keep to the lease's pace, and the backlog moves in
  // REPLAY alone.
  [[nodiscard]] bool pay_live(std::uint64_t bytes, MonotonicNanos now);
  [[nodiscard]] bool pay_backlog(std::uint64_t bytes, MonotonicNanos now);

  // When the state, or an answer of pay_*, may change by time alone.
  [[nodiscard]] std::optional<MonotonicNanos> next_due(MonotonicNanos now);
  // For the heartbeat; P0's spool is not known here.
  [[nodiscard]] model::RackPressure report(MonotonicNanos now) const;
  [[nodiscard]] const pressure::StateMachine& machine() const noexcept { return machine_; }

 private:
  static constexpr std::uint64_t kLiveBurst = 64U << 10;
  static constexpr std::int64_t kRateWindow = 5 * kNanosPerSecond;

  void count_live(std::uint64_t bytes, MonotonicNanos now);
  [[nodiscard]] bool paced() const noexcept;

  pressure::LeaseKeeper leases_;
  pressure::StateMachine machine_;
  pressure::ReplayPace replay_;
  lane::TokenBucket live_;                    // counts in RESTRICT only
  std::optional<MonotonicNanos> live_ready_;  // the bucket said no: ask again then
  std::optional<MonotonicNanos> backlog_ready_;
  std::uint64_t backlog_bytes_ = 0;  // of the last step
  // Live bytes a second: of the last whole window, and of the one that runs.
  std::uint64_t live_rate_ = 0;
  std::uint64_t live_bytes_ = 0;
  MonotonicNanos window_began_;
  std::optional<pressure::Forced> forced_;
};

}  // namespace fluxrig::rack
