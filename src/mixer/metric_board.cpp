#include "mixer/metric_board.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fluxrig::mixer {
namespace {

void append(std::string& key, std::string_view text) {
  key.append(text);
  key += '\0';
}

std::string key_of(const sink::IncomingBlock& block, const model::MetricPoint& point) {
  std::string key;
  append(key, point.name);
  append(key, block.rack);
  key.append(as_text(block.head.machine_id.view()));
  append(key, point.gear);
  auto attributes = point.attributes;
  std::sort(attributes.begin(), attributes.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  for (const auto& [name, value] : attributes) {
    append(key, name);
    if (const auto* text = std::get_if<std::string>(&value))
      append(key, *text);
    else if (const auto* number = std::get_if<std::int64_t>(&value))
      append(key, fmt::format("{}", *number));
    else if (const auto* real = std::get_if<double>(&value))
      append(key, fmt::format("{}", *real));
    else
      append(key, std::get<bool>(value) ? "true" : "false");
  }
  return key;
}

}  // namespace

void MetricBoard::take(const std::vector<FreshBlock>& blocks, UnixNanos now) {
  const std::lock_guard lock(mutex_);
  for (const auto& [block, fresh] : blocks)
    for (const auto& [begin, end] : fresh)
      for (std::size_t i = begin; i < end; ++i)
        if (const auto* point = std::get_if<model::MetricPoint>(&block.records[i]))
          take_one(block, *point, now);
}

void MetricBoard::take_one(const sink::IncomingBlock& block, const model::MetricPoint& point, UnixNanos now) {
  auto key = key_of(block, point);
  auto found = series_.find(key);
  if (found == series_.end()) {
    if (series_.size() >= kMostSeries) forget_stale(now);
    if (series_.size() >= kMostSeries) {
      ++left_out_;
      return;
    }
    found = series_.emplace(std::move(key), Seen{}).first;
  } else if (point.time < found->second.point.point.time && point.start <= found->second.point.point.start) {
    return;  // of the same start, or one before it
  }
  Seen next{{block.rack, block.head.machine_id, point}, now};
  otlp::carry_exemplars(found->second.point.point, next.point.point);
  found->second = std::move(next);
}

void MetricBoard::forget_stale(UnixNanos now) {
  std::erase_if(series_,
                [now](const auto& one) { return now.value - one.second.arrived.value > kStaleAfter; });
}

std::vector<RackPoint> MetricBoard::shown(UnixNanos now) const {
  const std::lock_guard lock(mutex_);
  std::vector<RackPoint> points;
  points.reserve(series_.size());
  for (const auto& [key, seen] : series_)
    if (now.value - seen.arrived.value <= kStaleAfter) points.push_back(seen.point);
  return points;
}

std::uint64_t MetricBoard::left_out() const {
  const std::lock_guard lock(mutex_);
  return left_out_;
}

}  // namespace fluxrig::mixer
