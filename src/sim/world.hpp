// What every actor of a run shares; owned by the Simulation. One thread.
#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "sim/journal.hpp"
#include "sim/loss_ledger.hpp"
#include "sim/message_ledger.hpp"
#include "sim/oracle.hpp"
#include "sim/plan.hpp"
#include "sim/schedule.hpp"
#include "sim/telemetry_ledger.hpp"

namespace fluxrig::sim {

struct World {
  const Plan& plan;
  ManualClock& clock;
  SeededRandom& random;
  Schedule& schedule;
  Journal& journal;
  Oracle& oracle;
  MessageLedger& messages;
  TelemetryLedger& telemetry;
  LossLedger& losses;
  bool calm = false;  // the faults have stopped: everything must drain now

  void note(const char* actor, const char* what, std::uint64_t a = 0, std::uint64_t b = 0) {
    journal.add({schedule.now(), actor, what, a, b});
  }
  // True for so many of a thousand, never while calm.
  [[nodiscard]] bool chance(std::uint32_t of_thousand) {
    return !calm && of_thousand != 0 && random.below(1000) < of_thousand;
  }
  // Around `mean`, at least one nanosecond.
  [[nodiscard]] std::int64_t around(std::int64_t mean) {
    return 1 + static_cast<std::int64_t>(random.below(2 * static_cast<std::uint64_t>(mean)));
  }
};

}  // namespace fluxrig::sim
