// http.server.request.duration and http.client.request.duration of OpenTelemetry's semantic conventions, out
// of the records that the pump assembles anyway: every HTTP request counts, sampled or not, and the hot path
// does nothing for it. Explicit histograms in seconds with the bounds that the conventions prescribe. Only
// sanitised records get here. One thread (the pump).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/records.hpp"

namespace fluxrig::tap {

class HttpMetrics {
 public:
  // Of one metric. What would be a further series counts in one whose only attribute is
  // otel.metric.overflow=true (metrics SDK, "cardinality limits").
  static constexpr std::size_t kMostSeries = 2000;

  // Nothing when the record is of no HTTP request. `kept`: its trace may be an exemplar.
  void see(const model::Transaction& transaction, bool kept);
  void see(const model::Span& span, bool kept);

  // Every series, cumulative since `start`, with the exemplars since the last time: one a bucket.
  void emit(UnixNanos start, UnixNanos now, std::vector<model::MetricPoint>& out);

  [[nodiscard]] std::uint64_t overflows() const noexcept { return server_.overflows + client_.overflows; }

 private:
  struct Series {
    std::string gear;
    std::vector<model::Attribute> attributes;
    std::uint64_t count = 0;
    double sum = 0;
    double min = 0;
    double max = 0;
    std::array<std::uint64_t, model::kHttpDurationBounds.size() + 1> counts{};
    std::vector<std::pair<std::size_t, model::Exemplar>> exemplars;  // by bucket, the latest of each
  };
  struct Instrument {
    explicit Instrument(std::string_view metric) : name(metric) {}
    Instrument(const Instrument&) = delete;  // by_key points into it
    Instrument& operator=(const Instrument&) = delete;

    std::string_view name;
    std::deque<Series> series;
    std::unordered_map<std::string, Series*> by_key;  // into `series`, which only grows
    std::uint64_t overflows = 0;                      // requests that count in the overflow series
  };

  // By the attributes in attributes_.
  [[nodiscard]] Series& series_of(Instrument& instrument, const std::string& gear);
  template <typename T>
  void count(Instrument& instrument, const T& record, bool kept);

  Instrument server_{"http.server.request.duration"};
  Instrument client_{"http.client.request.duration"};
  std::vector<model::Attribute> attributes_;  // of the record in hand
  std::string key_;
};

}  // namespace fluxrig::tap
