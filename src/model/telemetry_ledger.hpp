// What a rack states about its lane P2, as control events of the audit lane, so that for every hour and
// signal produced = stored + dropped (by cause) can be held against the store.
// docs/formats/telemetry-ledger.md. Values only; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/telemetry.hpp"

namespace fluxrig::model {

inline constexpr std::string_view kLedgerEvent = "fluxrig.telemetry.ledger";
inline constexpr std::string_view kLossEvent = "fluxrig.telemetry.loss";

// Of one epoch (the record's own), hour and signal, cumulative: the last one counts.
struct LedgerStatement {
  Hour hour;
  Signal signal = Signal::kSpans;
  std::uint64_t produced = 0;                        // what was dropped included
  std::array<std::uint64_t, kDropCauses> dropped{};  // before it had a sequence
  bool closed = false;                               // the hour is over: nothing is added to it any more
  bool last = false;                                 // of its epoch: the rack stopped in good order
  friend bool operator==(const LedgerStatement&, const LedgerStatement&) = default;
};

// Closed batches that will not come, or may have come already: a range that the store holds is not lost. One
// range is either a single batch or was never sent, so the store holds all of it or nothing. The same range
// may be stated again, longer; it is known by epoch and first sequence.
struct LostTelemetry {
  Epoch epoch;  // of production; the statement may be of a later one
  Sequence first;
  Sequence last;
  Hour hour;
  DropCause cause = DropCause::kEvicted;
  SignalCounts counts;
  friend bool operator==(const LostTelemetry&, const LostTelemetry&) = default;
};

[[nodiscard]] Log to_log(const LedgerStatement& statement, UnixNanos now);
[[nodiscard]] Log to_log(const LostTelemetry& lost, UnixNanos now);
// nullopt: another event, or one that says nothing (a signal or number that cannot be). A cause that this
// version does not know is in none of the counts.
[[nodiscard]] std::optional<LedgerStatement> ledger_statement(const Log& log);
[[nodiscard]] std::optional<LostTelemetry> lost_telemetry(const Log& log);

}  // namespace fluxrig::model
