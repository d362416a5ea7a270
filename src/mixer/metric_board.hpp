// The latest point of every metric series of every rack, for those who pull: GET /metrics. Bounded by
// kMostSeries; what has not been heard of for kStaleAfter is not shown and makes room. Points that come late,
// out of a backlog, do not replace newer ones. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "mixer/fresh_records.hpp"
#include "model/records.hpp"
#include "otlp/open_metrics.hpp"

namespace fluxrig::mixer {

using otlp::RackPoint;

class MetricBoard {
 public:
  static constexpr std::size_t kMostSeries = 50'000;
  static constexpr std::int64_t kStaleAfter = 300 * kNanosPerSecond;

  // What was committed; of its records only metric points count. `now`: the arrival.
  void take(const std::vector<FreshBlock>& blocks, UnixNanos now);
  // In the order of name, rack, machine, gear and attributes: points of one metric are neighbours.
  [[nodiscard]] std::vector<RackPoint> shown(UnixNanos now) const;
  // Points of series that found no room.
  [[nodiscard]] std::uint64_t left_out() const;

 private:
  struct Seen {
    RackPoint point;
    UnixNanos arrived;
  };
  void take_one(const sink::IncomingBlock& block, const model::MetricPoint& point, UnixNanos now);
  void forget_stale(UnixNanos now);

  mutable std::mutex mutex_;
  std::map<std::string, Seen> series_;  // by what names a series, in the order above
  std::uint64_t left_out_ = 0;
};

}  // namespace fluxrig::mixer
