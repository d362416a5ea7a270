#include "lane/telemetry_ledger.hpp"

#include <algorithm>

namespace fluxrig::lane {

using model::Signal;
using model::SignalCounts;

bool TelemetryLedger::HourTally::changed() const noexcept {
  return std::any_of(signals.begin(), signals.end(), [](const Tally& one) { return one.changed; });
}

TelemetryLedger::HourTally& TelemetryLedger::at(model::Hour hour) {
  if (hours_.size() >= kMaxHours && !hours_.contains(hour)) hours_.erase(hours_.begin());
  auto& tally = hours_[hour];
  // Of an hour that was over: the clock was set back.
  tally.closed = false;
  return tally;
}

void TelemetryLedger::add_produced(model::Hour hour, const SignalCounts& records) {
  const std::lock_guard lock(mutex_);
  auto& tally = at(hour);
  for (const Signal signal : model::kAllSignals) {
    if (records[signal] == 0) continue;
    auto& one = tally.signals[static_cast<std::size_t>(signal)];
    one.produced += records[signal];
    one.changed = true;
  }
}

void TelemetryLedger::add_dropped(model::Hour hour, model::DropCause cause, const SignalCounts& records) {
  const std::lock_guard lock(mutex_);
  auto& tally = at(hour);
  for (const Signal signal : model::kAllSignals) {
    if (records[signal] == 0) continue;
    auto& one = tally.signals[static_cast<std::size_t>(signal)];
    one.produced += records[signal];
    one.dropped[static_cast<std::size_t>(cause)] += records[signal];
    one.changed = true;
  }
}

void TelemetryLedger::add_lost(const model::LostTelemetry& lost) {
  const std::lock_guard lock(mutex_);
  const std::pair key(lost.epoch, lost.first);
  if (lost_.size() < kMaxLost || lost_.contains(key)) lost_[key] = lost;
}

bool TelemetryLedger::state(const Clock& clock, Occasion occasion, const Offer& offer) {
  const UnixNanos now = clock.now();
  const MonotonicNanos monotonic = clock.monotonic();
  const std::lock_guard lock(mutex_);
  const model::Hour current = model::Hour::of(now);
  const bool last = occasion == Occasion::kLast;
  if (last && !hours_.contains(current)) (void)at(current);
  const bool due = last || monotonic >= next_;
  bool stated = false;
  for (auto& [hour, tally] : hours_) {
    const bool closes = !tally.closed && (last || hour < current);
    if (!closes && !(due && tally.changed())) continue;
    if (!state_hour(hour, tally, {now, closes || tally.closed, last}, offer)) return false;
    stated = true;
  }
  if ((due && !lost_.empty()) || lost_.size() >= kManyLost) {
    if (!state_lost(now, offer)) return false;
    stated = true;
  }
  if (stated && due) next_ = {monotonic.value + kStateEvery};
  return true;
}

bool TelemetryLedger::state_hour(model::Hour hour, HourTally& tally, const Saying& saying,
                                 const Offer& offer) {
  for (const Signal signal : model::kAllSignals) {
    auto& one = tally.signals[static_cast<std::size_t>(signal)];
    // The end of an hour is said of each signal that it had, the end of the epoch at least once.
    const bool had = one.produced != 0 || (saying.last && signal == Signal::kSpans);
    if (!one.changed && !(saying.closed && !tally.closed && had)) continue;
    const model::LedgerStatement statement{hour,        signal,        one.produced,
                                           one.dropped, saying.closed, saying.last};
    if (!offer(to_log(statement, saying.now))) return false;
    one.changed = false;
  }
  tally.closed = saying.closed;
  return true;
}

bool TelemetryLedger::state_lost(UnixNanos now, const Offer& offer) {
  while (!lost_.empty()) {
    if (!offer(to_log(lost_.begin()->second, now))) return false;
    lost_.erase(lost_.begin());
  }
  return true;
}

}  // namespace fluxrig::lane
