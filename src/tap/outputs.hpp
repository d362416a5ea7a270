// Where the pump hands its records to. The rack plugs in the WAL writer and the telemetry queue, tests and
// the simulator their own.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "model/telemetry.hpp"
#include "sanitize/clean_record.hpp"

namespace fluxrig::tap {

// P1. One thread (the pump).
class AuditOutput {
 public:
  virtual ~AuditOutput() = default;
  // Appends the records as one block. On failure none of them is appended.
  [[nodiscard]] virtual Result<void> append(const sanitize::CleanRecords& records) = 0;
  // All that was appended is on disk when this succeeds.
  [[nodiscard]] virtual Result<void> sync() = 0;
};

// P2. One thread (the pump). Never fails and never waits: what it cannot take it drops and counts.
class TelemetryOutput {
 public:
  virtual ~TelemetryOutput() = default;
  virtual void offer(model::Signal signal, const sanitize::CleanRecords& one) = 0;
  // Records that never reach `offer`.
  virtual void count_dropped(model::DropCause cause, model::Signal signal, std::uint64_t records) = 0;
};

}  // namespace fluxrig::tap
