#include "sim/fleet_checks.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fluxrig::sim {
namespace {

double in_seconds(std::int64_t nanos) { return static_cast<double>(nanos) / kNanosPerSecond; }

}  // namespace

void FleetChecks::arrived(std::uint64_t bytes, std::int64_t now) {
  if (now / kNanosPerSecond != second_) {
    close_second();
    second_ = now / kNanosPerSecond;
  }
  second_bytes_ += bytes;
}

void FleetChecks::close_second() {
  // The lower one of its beginning and its end: no second is excused by a step up within it.
  const std::int64_t begin = second_ * kNanosPerSecond;
  const double room = std::min(capacity(begin), capacity(begin + kNanosPerSecond - 1));
  const double load = static_cast<double>(second_bytes_) / room;
  second_bytes_ = 0;
  if (just_slower(begin)) {
    highest_slower_ = std::max(highest_slower_, load);
    return;
  }
  highest_ = std::max(highest_, load);
  if (draining_) {
    draining_load_ += load;
    ++draining_seconds_;
  }
  if (load > 1)
    fail("the store's load stays within its capacity",
         fmt::format("{:.1f} % in the second from {} s on", 100 * load, begin / kNanosPerSecond), begin);
}

bool FleetChecks::just_slower(std::int64_t now) const noexcept {
  for (std::size_t i = 1; i < plan_.capacity.size(); ++i) {
    const auto& change = plan_.capacity[i];
    if (change.bytes_per_s < plan_.capacity[i - 1].bytes_per_s && now + kNanosPerSecond > change.at &&
        now < change.at + kSlowerGrace)
      return true;
  }
  return false;
}

double FleetChecks::capacity(std::int64_t now) const noexcept {
  double capacity = 0;
  for (const auto& change : plan_.capacity)
    if (change.at <= now) capacity = change.bytes_per_s;
  return capacity;
}

void FleetChecks::stored(const FleetMessage& message, std::int64_t now, bool backlog_left) {
  draining_ = backlog_left;
  // What the outage itself held up is late by as much, wherever it waited.
  if (!message.live || !backlog_left || message.produced_at < plan_.outage.end()) return;
  const std::int64_t late = now - message.produced_at;
  latest_ = std::max(latest_, late);
  ++lateness_[std::min(static_cast<std::size_t>(late / kBucket), kBuckets - 1)];
  ++live_messages_;
}

void FleetChecks::fail(std::string_view promise, std::string detail, std::int64_t now) {
  if (broken_) return;
  broken_ = BrokenPromise{std::string(promise), fmt::format("at {:.3f} s: {}", in_seconds(now), detail)};
}

void FleetChecks::finish(std::int64_t now) {
  close_second();
  if (live_messages_ < kFewest) return;
  const double late = lateness(kLatenessQuantile);
  if (late > in_seconds(kLatenessLimit))
    fail("live records are late by less than 5 s while the backlog drains",
         fmt::format("99 % within {:.2f} s, of {} messages", late, live_messages_), now);
}

double FleetChecks::lateness(double quantile) const {
  const auto rank = static_cast<std::uint64_t>(quantile * static_cast<double>(live_messages_));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += lateness_[i];
    if (seen > rank) return in_seconds(static_cast<std::int64_t>(i + 1) * kBucket);
  }
  return in_seconds(latest_);
}

FleetChecks::Figures FleetChecks::figures() const {
  Figures figures;
  figures.highest_load = highest_;
  figures.highest_load_slower = highest_slower_;
  if (draining_seconds_ > 0)
    figures.mean_load_draining = draining_load_ / static_cast<double>(draining_seconds_);
  figures.live_messages = live_messages_;
  figures.lateness_p50_s = lateness(0.5);
  figures.lateness_p99_s = lateness(kLatenessQuantile);
  figures.lateness_p999_s = lateness(0.999);
  figures.lateness_max_s = in_seconds(latest_);
  figures.transitions = transitions_;
  return figures;
}

}  // namespace fluxrig::sim
