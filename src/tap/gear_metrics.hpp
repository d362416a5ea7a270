// The counters of one gear, updated inline by the io thread and read by the pump. One writer, relaxed loads
// and stores: no locked instruction.
#pragma once

#include <atomic>
#include <cstdint>

#include "tap/histogram.hpp"
#include "tap/names.hpp"

namespace fluxrig::tap {

// A counter that one thread writes and any thread reads.
class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.store(value() + n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct GearMetrics {
  NameId gear;
  Counter messages;  // requests that entered the gear
  Counter errors;    // requests or replies that it failed
  Counter strays;    // messages of a peer that belong to no transaction
  Counter bytes_in;
  Counter bytes_out;
  Histogram duration;  // nanoseconds, from the request's entry until the gear passed it on or its answer came
};

}  // namespace fluxrig::tap
