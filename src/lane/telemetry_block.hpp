// A batch of telemetry, and the block that it becomes. A block keeps its bytes and its sequences whether it
// is sent at once, again, or out of the backlog: so the mixer knows it, however often it comes. Values only;
// any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "model/telemetry.hpp"

namespace fluxrig::lane {

struct TelemetryBatch {
  Bytes records;  // concatenated record items
  std::uint32_t count = 0;
  model::SignalCounts signals;
  UnixNanos time;  // of its first record; all of them are of the same hour
  MonotonicNanos oldest;
  // Given when the batch is closed: what is dropped before has no sequence.
  Epoch epoch;
  Sequence first;
};

struct TelemetryBlock {
  Epoch epoch;
  Sequence first;
  std::uint32_t count = 0;
  UnixNanos time;  // decides the hour
  model::SignalCounts signals;
  Bytes bytes;  // as published: docs/formats/block.md

  [[nodiscard]] Sequence last() const noexcept { return {first.value + count - 1}; }
  [[nodiscard]] model::Hour hour() const noexcept { return model::Hour::of(time); }
};

// Of a closed batch.
[[nodiscard]] TelemetryBlock make_block(const TelemetryBatch& batch, const MachineId& machine_id);

}  // namespace fluxrig::lane
