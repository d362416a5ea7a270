#include "otlp/delta.hpp"

#include <algorithm>
#include <utility>

#include "model/record_codec.hpp"

namespace fluxrig::otlp {
namespace {

bool is_counted(const model::MetricPoint& point) noexcept {
  if (const auto* sum = std::get_if<model::Sum>(&point.data)) return sum->monotonic;
  return !std::holds_alternative<model::Gauge>(point.data);
}

// As `data`, and empty: what kind of series it is.
decltype(model::MetricPoint::data) kind_of(const decltype(model::MetricPoint::data)& data) {
  if (std::holds_alternative<model::Sum>(data)) return model::Sum{};
  const auto* histogram = std::get_if<model::ExplicitHistogram>(&data);
  if (histogram == nullptr) return model::ExponentialHistogram{};
  // Other bounds are another series: their counts have nothing in common.
  model::ExplicitHistogram kind;
  kind.bounds = histogram->bounds;
  kind.counts.resize(kind.bounds.size() + 1);
  return kind;
}

// What tells one series from another, as the record's own encoding: it is deterministic and unambiguous.
std::string key_of(const MachineId& machine, const model::MetricPoint& point) {
  model::MetricPoint name;
  name.name = point.name;
  name.unit = point.unit;
  name.gear = point.gear;
  name.attributes = point.attributes;
  std::sort(name.attributes.begin(), name.attributes.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  name.data = kind_of(point.data);
  Bytes bytes(machine.bytes.begin(), machine.bytes.end());
  model::encode(model::Record(std::move(name)), bytes);
  return std::string(as_text(bytes));
}

// Merges neighbours until the scale is this one. An arithmetic shift, so that it holds for negative indices.
void downscale(model::ExponentialHistogram& data, std::int32_t scale) {
  const int shift = data.scale - scale;
  if (shift <= 0) return;
  data.scale = scale;
  if (data.buckets.empty()) return;
  const std::int64_t first = data.offset;
  const std::int64_t offset = first >> shift;
  const std::int64_t last = (first + static_cast<std::int64_t>(data.buckets.size()) - 1) >> shift;
  std::vector<std::uint64_t> merged(static_cast<std::size_t>(last - offset) + 1);
  for (std::size_t i = 0; i < data.buckets.size(); ++i)
    merged[static_cast<std::size_t>(((first + static_cast<std::int64_t>(i)) >> shift) - offset)] +=
        data.buckets[i];
  data.offset = static_cast<std::int32_t>(offset);
  data.buckets = std::move(merged);
}

// False when one count of `before` is higher than its match in `data`.
bool subtract_buckets(model::ExponentialHistogram& data, const model::ExponentialHistogram& before) {
  for (std::size_t i = 0; i < before.buckets.size(); ++i) {
    if (before.buckets[i] == 0) continue;
    const auto at = std::int64_t{before.offset} + static_cast<std::int64_t>(i) - data.offset;
    if (at < 0 || at >= static_cast<std::int64_t>(data.buckets.size())) return false;
    auto& count = data.buckets[static_cast<std::size_t>(at)];
    if (count < before.buckets[i]) return false;
    count -= before.buckets[i];
  }
  return true;
}

void trim(model::ExponentialHistogram& data) {
  const auto is_filled = [](std::uint64_t count) { return count != 0; };
  const auto first = std::find_if(data.buckets.begin(), data.buckets.end(), is_filled);
  if (first == data.buckets.end()) {
    data.buckets.clear();
    data.offset = 0;
    return;
  }
  data.buckets.erase(std::find_if(data.buckets.rbegin(), data.buckets.rend(), is_filled).base(),
                     data.buckets.end());
  data.offset += static_cast<std::int32_t>(first - data.buckets.begin());
  data.buckets.erase(data.buckets.begin(), first);
}

bool subtract(model::ExponentialHistogram& data, model::ExponentialHistogram before) {
  if (before.scale < data.scale) downscale(data, before.scale);
  downscale(before, data.scale);
  if (data.count < before.count || data.zero_count < before.zero_count) return false;
  if (!subtract_buckets(data, before)) return false;
  data.count -= before.count;
  data.zero_count -= before.zero_count;
  data.sum -= before.sum;
  trim(data);
  return true;
}

bool subtract(model::ExplicitHistogram& data, const model::ExplicitHistogram& before) {
  if (data.count < before.count) return false;
  for (std::size_t i = 0; i < data.counts.size(); ++i)
    if (data.counts[i] < before.counts[i]) return false;
  for (std::size_t i = 0; i < data.counts.size(); ++i) data.counts[i] -= before.counts[i];
  data.count -= before.count;
  data.sum -= before.sum;
  return true;
}

// False when the point is lower than the one before.
bool subtract(model::MetricPoint& point, const decltype(model::MetricPoint::data)& before) {
  if (auto* histogram = std::get_if<model::ExponentialHistogram>(&point.data))
    return subtract(*histogram, std::get<model::ExponentialHistogram>(before));
  if (auto* histogram = std::get_if<model::ExplicitHistogram>(&point.data))
    return subtract(*histogram, std::get<model::ExplicitHistogram>(before));
  auto& sum = std::get<model::Sum>(point.data);
  const double last = std::get<model::Sum>(before).value;
  if (!(sum.value >= last)) return false;
  sum.value -= last;
  return true;
}

// What the next point is held against.
void remember(decltype(model::MetricPoint::data)& out, const decltype(model::MetricPoint::data)& data) {
  out = data;
  if (auto* histogram = std::get_if<model::ExponentialHistogram>(&out)) histogram->exemplars.clear();
  if (auto* histogram = std::get_if<model::ExplicitHistogram>(&out)) histogram->exemplars.clear();
}

}  // namespace

std::optional<model::MetricPoint> DeltaConverter::convert(const Resource& rack, model::MetricPoint point) {
  if (!is_counted(point)) return point;
  auto key = key_of(rack.machine_id, point);
  auto found = series_.find(key);
  if (found == series_.end()) {
    if (series_.size() >= kMostSeries) {
      ++counters_.overflow;
      return std::nullopt;
    }
    found = series_.emplace(std::move(key), Last{}).first;
    return begin(found->second, rack.epoch, std::move(point));
  }
  Last& last = found->second;
  // Epochs tell what is later even of a rack whose clock was set back.
  if (rack.epoch < last.epoch || (rack.epoch == last.epoch && point.time <= last.time)) {
    ++counters_.late;
    return std::nullopt;
  }
  const bool goes_on = rack.epoch == last.epoch && point.start == last.start;
  return goes_on ? go_on(last, std::move(point)) : begin(last, rack.epoch, std::move(point));
}

std::optional<model::MetricPoint> DeltaConverter::begin(Last& last, Epoch epoch, model::MetricPoint point) {
  last.epoch = epoch;
  last.start = point.start;
  last.time = point.time;
  remember(last.data, point.data);
  if (point.start >= since_) return point;
  ++counters_.first;
  return std::nullopt;
}

std::optional<model::MetricPoint> DeltaConverter::go_on(Last& last, model::MetricPoint point) {
  const UnixNanos before = last.time;
  auto data = std::exchange(last.data, {});
  last.time = point.time;
  remember(last.data, point.data);
  point.start = before;
  if (subtract(point, data)) return point;
  ++counters_.fallen;
  return std::nullopt;
}

void DeltaConverter::forget_before(UnixNanos time) {
  std::erase_if(series_, [time](const auto& one) { return one.second.time < time; });
}

}  // namespace fluxrig::otlp
