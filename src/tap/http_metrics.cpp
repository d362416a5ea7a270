#include "tap/http_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace fluxrig::tap {
namespace {

constexpr std::string_view kMethod = "http.request.method";
constexpr std::string_view kStatus = "http.response.status_code";
// What each metric takes of a record's attributes, of those that the conventions name for it.
constexpr std::array<std::string_view, 5> kOfServer = {kMethod, "http.route", kStatus, "url.scheme",
                                                       "network.protocol.version"};
constexpr std::array<std::string_view, 6> kOfClient = {
    kMethod, kStatus, "server.address", "server.port", "url.scheme", "network.protocol.version"};

const model::Value* find(const std::vector<model::Attribute>& attributes, std::string_view key) {
  for (const auto& attribute : attributes)
    if (attribute.key == key) return &attribute.value;
  return nullptr;
}

std::int64_t status_of(const std::vector<model::Attribute>& attributes) {
  const auto* value = find(attributes, kStatus);
  const auto* status = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
  return status == nullptr ? 0 : *status;
}

void pick(const std::vector<model::Attribute>& from, std::span<const std::string_view> keys,
          std::vector<model::Attribute>& out) {
  out.clear();
  for (const auto key : keys)
    if (const auto* value = find(from, key); value != nullptr) out.push_back({std::string(key), *value});
}

// Values of a record come from the gears, and none of their texts holds a zero byte that means something.
void append(std::string& key, const model::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value))
    key += *text;
  else if (const auto* number = std::get_if<std::int64_t>(&value))
    fmt::format_to(std::back_inserter(key), "#{}", *number);
  key += '\0';
}

}  // namespace

HttpMetrics::Series& HttpMetrics::series_of(Instrument& instrument, const std::string& gear) {
  key_.assign(gear);
  key_ += '\0';
  for (const auto& attribute : attributes_) {
    key_.append(attribute.key).append("=");
    append(key_, attribute.value);
  }
  if (const auto found = instrument.by_key.find(key_); found != instrument.by_key.end())
    return *found->second;
  if (instrument.series.size() + 1 < kMostSeries) {
    auto& made = instrument.series.emplace_back();
    made.gear = gear;
    made.attributes = attributes_;
    instrument.by_key.emplace(key_, &made);
    return made;
  }
  ++instrument.overflows;
  if (instrument.series.size() + 1 == kMostSeries)
    instrument.series.emplace_back().attributes.push_back({"otel.metric.overflow", true});
  return instrument.series.back();
}

template <typename T>
void HttpMetrics::count(Instrument& instrument, const T& record, bool kept) {
  Series& series = series_of(instrument, record.gear);
  const double seconds =
      static_cast<double>(std::max<std::int64_t>(record.end.value - record.start.value, 0)) / kNanosPerSecond;
  const auto& bounds = model::kHttpDurationBounds;
  // Upper bounds belong to their bucket.
  const auto bucket =
      static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin());
  ++series.counts[bucket];
  series.min = series.count == 0 ? seconds : std::min(series.min, seconds);
  series.max = std::max(series.max, seconds);
  series.sum += seconds;
  ++series.count;
  if (!kept) return;
  auto exemplar = std::find_if(series.exemplars.begin(), series.exemplars.end(),
                               [bucket](const auto& one) { return one.first == bucket; });
  if (exemplar == series.exemplars.end())
    exemplar = series.exemplars.insert(exemplar, {bucket, model::Exemplar{}});
  exemplar->second = {record.end, seconds, record.trace_id, record.span_id, record.flux_id};
}

void HttpMetrics::see(const model::Transaction& transaction, bool kept) {
  if (transaction.kind != model::SpanKind::kServer || find(transaction.attributes, kMethod) == nullptr)
    return;
  pick(transaction.attributes, kOfServer, attributes_);
  // A 4xx is the caller's fault and no error of the server.
  const auto status = status_of(attributes_);
  if (status >= 500)
    attributes_.push_back({"error.type", fmt::format("{}", status)});
  else if (status == 0)
    attributes_.push_back({"error.type", std::string(to_string(transaction.outcome))});
  count(server_, transaction, kept);
}

void HttpMetrics::see(const model::Span& span, bool kept) {
  if (span.kind != model::SpanKind::kClient || find(span.attributes, kMethod) == nullptr) return;
  pick(span.attributes, kOfClient, attributes_);
  const auto status = status_of(attributes_);
  if (status >= 400)
    attributes_.push_back({"error.type", fmt::format("{}", status)});
  else if (status == 0)
    attributes_.push_back({"error.type", std::string("_OTHER")});
  count(client_, span, kept);
}

void HttpMetrics::emit(UnixNanos start, UnixNanos now, std::vector<model::MetricPoint>& out) {
  for (auto* instrument : {&server_, &client_})
    for (auto& series : instrument->series) {
      auto& point = out.emplace_back();
      point.name = instrument->name;
      point.unit = "s";
      point.gear = series.gear;
      point.start = start;
      point.time = now;
      point.attributes = series.attributes;
      auto& data = point.data.emplace<model::ExplicitHistogram>();
      data.count = series.count;
      data.sum = series.sum;
      data.min = series.min;
      data.max = series.max;
      data.bounds.assign(model::kHttpDurationBounds.begin(), model::kHttpDurationBounds.end());
      data.counts.assign(series.counts.begin(), series.counts.end());
      for (auto& [bucket, exemplar] : series.exemplars) data.exemplars.push_back(exemplar);
      series.exemplars.clear();
    }
}

}  // namespace fluxrig::tap
