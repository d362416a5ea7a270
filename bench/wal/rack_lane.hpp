// The audit lane as a rack has it: the production ring, pump, pump thread and WAL writer, put together as
// rack::Rack does. Left out are the gears, which make the transactions, and the link, which ships the blocks;
// a stand-in gives the receipts that the mixer would, so that segments are recycled as they are in service.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "bench/wal/load.hpp"
#include "bench/wal/payment.hpp"

namespace fluxrig::bench {

class RackLane {
 public:
  // `durable` is called on the pump's thread with each new position that is on disk.
  RackLane(const Load& load, std::function<void(tap::RingPosition)> durable);
  ~RackLane();
  RackLane(const RackLane&) = delete;
  RackLane& operator=(const RackLane&) = delete;

  // One thread at a time. False: the ring is full; try again when the pump has drained.
  [[nodiscard]] bool write(tap::Draft& draft, tap::RingPosition& position) noexcept;
  [[nodiscard]] const Payment& payment() const noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// As in a rack: the writers are transactions, and one thread holds them all.
[[nodiscard]] Measured run_rack(const Load& load);
// One thread a writer, a lock around the ring, one wake-up for all who wait: what a program with blocking
// threads would make of the same lane.
[[nodiscard]] Measured run_rack_threads(const Load& load);

}  // namespace fluxrig::bench
