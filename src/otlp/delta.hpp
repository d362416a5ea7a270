// From cumulative points to delta ones, for back ends that want them so
// (OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta): counters and histograms become what was added
// since the point before; sums that may fall and gauges stay as they are. One thread. Bounded by kMostSeries,
// of at most 2 KiB each (a histogram of 160 buckets; a sum takes a tenth).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/records.hpp"
#include "otlp/resource.hpp"

namespace fluxrig::otlp {

class DeltaConverter {
 public:
  static constexpr std::size_t kMostSeries = 100'000;

  // `since`: who exported before this may have sent what was counted up to then.
  explicit DeltaConverter(UnixNanos since) : since_(since) {}

  // The same point as a delta, with the time of the one before as its start; its histogram has no min and
  // max, since none can be told (encode with Temporality::kDelta). A series that starts anew (of another
  // epoch or start) or that began after `since` is sent whole. nullopt: nothing is to be sent, and a counter
  // says why.
  [[nodiscard]] std::optional<model::MetricPoint> convert(const Resource& rack, model::MetricPoint point);

  // Series whose last point is older: of racks that are gone, of starts that are over.
  void forget_before(UnixNanos time);

  struct Counters {
    std::uint64_t first = 0;  // of a series that began before `since`: the next ones count from there
    std::uint64_t late = 0;   // older than one that was sent: out of a backlog, say; the newer one had it all
    std::uint64_t fallen = 0;    // lower than before without a new start: the next ones count from there
    std::uint64_t overflow = 0;  // of a series over kMostSeries
  };
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::size_t series() const noexcept { return series_.size(); }

 private:
  struct Last {
    Epoch epoch;
    UnixNanos start;
    UnixNanos time;
    decltype(model::MetricPoint::data) data;
  };
  [[nodiscard]] std::optional<model::MetricPoint> begin(Last& last, Epoch epoch, model::MetricPoint point);
  [[nodiscard]] std::optional<model::MetricPoint> go_on(Last& last, model::MetricPoint point);

  UnixNanos since_;
  std::unordered_map<std::string, Last> series_;
  Counters counters_;
};

}  // namespace fluxrig::otlp
