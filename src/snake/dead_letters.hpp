// Moves messages that JetStream gave up (last delivery unacknowledged, or terminated by the gear) from
// FLUX_MSG to FLUX_DLQ. The server's notes are kept in FLUX_ADVISORY, so none is missed while no mixer runs.
// One thread, the mixer's.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "snake/pull_consumer.hpp"

namespace fluxrig::snake {

// Headers of a dead letter, besides those of the message itself.
inline constexpr std::string_view kDeadSubject = "flux-dead-subject";
inline constexpr std::string_view kDeadSequence = "flux-dead-stream-sequence";
inline constexpr std::string_view kDeadConsumer = "flux-dead-consumer";
inline constexpr std::string_view kDeadDeliveries = "flux-dead-deliveries";
inline constexpr std::string_view kDeadReason = "flux-dead-reason";  // max_deliveries, terminated

class DeadLetterCollector {
 public:
  struct Counters {
    std::uint64_t collected = 0;
    std::uint64_t missing = 0;    // the message had left FLUX_MSG before it could be moved: a loss
    std::uint64_t malformed = 0;  // a note that does not parse
    std::uint64_t failed = 0;     // tried again later
  };

  // StreamAdmin::ensure_streams comes first.
  [[nodiscard]] static Outcome<std::unique_ptr<DeadLetterCollector>> open(NatsBus& bus,
                                                                          Diagnostics& diagnostics);

  // Blocks up to `timeout` for the first note; returns how many dead letters were stored.
  [[nodiscard]] Result<std::size_t> collect(std::chrono::milliseconds timeout);
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  enum class Handled : std::uint8_t { kStored, kDropped, kAgain };
  DeadLetterCollector(NatsBus& bus, Diagnostics& diagnostics, std::unique_ptr<PullConsumer> notes);
  [[nodiscard]] Handled handle(const Delivery& note);

  NatsBus& bus_;
  Diagnostics& diagnostics_;
  std::unique_ptr<PullConsumer> notes_;
  Counters counters_;
};

}  // namespace fluxrig::snake
