#include "pressure/sensor.hpp"

#include <algorithm>

namespace fluxrig::pressure {
namespace {

constexpr auto kFirstCause = static_cast<std::size_t>(PressureCause::kSinkErrors);

// A level is left more reluctantly than entered.
std::uint8_t level_of(double figure, std::uint8_t now, const Sensor::Thresholds& enter) {
  std::uint8_t level = 0;
  for (std::size_t i = 0; i < enter.size(); ++i) {
    const double threshold = i < now ? enter[i] * Sensor::kLeave : enter[i];
    if (figure >= threshold) level = static_cast<std::uint8_t>(i + 1);
  }
  return level;
}

}  // namespace

double scarcity(std::uint64_t free, std::uint64_t total, std::uint64_t wanted) noexcept {
  const auto least = static_cast<double>(std::min(wanted, total / 10));
  return least / static_cast<double>(std::max<std::uint64_t>(free, 1));
}

void Sensor::read(PressureCause cause, const std::optional<double>& figure, const Thresholds& enter) {
  if (!figure) return;
  auto& gauge = gauges_[static_cast<std::size_t>(cause) - kFirstCause];
  gauge.level = level_of(*figure, gauge.level, enter);
  gauge.figure = *figure;
}

const Sensor::Gauge& Sensor::gauge(PressureCause cause) const {
  return gauges_[static_cast<std::size_t>(cause) - kFirstCause];
}

// Among equals the one that was named last, so that the cause does not flicker; else the first.
PressureCause Sensor::worst() const {
  auto worst = reading_.cause == PressureCause::kNone ? PressureCause::kSinkErrors : reading_.cause;
  for (std::size_t i = 0; i < gauges_.size(); ++i)
    if (gauges_[i].level > gauge(worst).level) worst = static_cast<PressureCause>(i + kFirstCause);
  return worst;
}

Sensor::Reading Sensor::look(const MixerFigures& figures, MonotonicNanos now) {
  read(PressureCause::kSinkErrors, figures.sink_failing_seconds, options_.sink_failing_seconds);
  read(PressureCause::kCommitLatency, figures.commit_over_target, options_.commit_over_target);
  read(PressureCause::kQueueDepth, figures.queue_seconds, options_.queue_seconds);
  read(PressureCause::kStreamFill, figures.stream_fill, options_.stream_fill);
  read(PressureCause::kDisk, figures.disk_scarcity, options_.disk_scarcity);
  read(PressureCause::kMemory, figures.memory_scarcity, options_.memory_scarcity);
  read(PressureCause::kExport, figures.export_saturation, options_.export_saturation);

  const auto cause = worst();
  const auto wanted = gauge(cause).level;
  const auto before = reading_.level;
  if (wanted >= before) {
    reading_.level = wanted;
    better_since_.reset();
  } else if (!better_since_) {
    better_since_ = now;
  } else if (now.value - better_since_->value >= options_.dwell) {
    --reading_.level;
    better_since_ = now;
  }
  if (reading_.level != before) ++changes_;
  // While the level is still held up by its dwell, the cause is what raised it.
  if (reading_.level == 0) {
    reading_ = {};
  } else if (wanted != 0) {
    reading_.cause = cause;
  }
  if (reading_.level != 0) reading_.figure = gauge(reading_.cause).figure;
  return reading_;
}

}  // namespace fluxrig::pressure
