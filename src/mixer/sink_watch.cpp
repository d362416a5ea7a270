#include "mixer/sink_watch.hpp"

#include <algorithm>
#include <vector>

namespace fluxrig::mixer {

void SinkWatch::began(MonotonicNanos now) {
  const std::lock_guard lock(mutex_);
  running_ = now;
}

void SinkWatch::ended(MonotonicNanos now, const Batch& batch) {
  const std::lock_guard lock(mutex_);
  const auto took = running_ ? std::max<std::int64_t>(now.value - running_->value, 0) : 0;
  running_.reset();
  round_.busy_nanos += took + batch.handling_nanos;
  fill_ += batch.fill;
  ++batches_;
  if (!batch.stored) {
    if (!failing_) failing_ = now;
    return;
  }
  failing_.reset();
  round_.taken_bytes += batch.bytes;
  commits_[stored_++ % kCommits] = {now, took, took + batch.handling_nanos, batch.bytes};
}

SinkWatch::Figures SinkWatch::figures(MonotonicNanos now) const {
  const std::lock_guard lock(mutex_);
  Figures figures;
  // A failure that has just happened counts, whatever the clock's step.
  if (failing_)
    figures.failing_seconds =
        std::max(static_cast<double>(now.value - failing_->value) / kNanosPerSecond, 1e-3);
  std::vector<std::int64_t> recent;
  std::int64_t busy = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < std::min<std::uint64_t>(stored_, kCommits); ++i) {
    busy += commits_[i].busy_nanos;
    bytes += commits_[i].bytes;
    if (now.value - commits_[i].at.value <= kCommitAge) recent.push_back(commits_[i].nanos);
  }
  if (busy > 0)
    figures.bytes_per_s = static_cast<double>(bytes) * kNanosPerSecond / static_cast<double>(busy);
  if (!recent.empty()) {
    std::size_t place = (recent.size() * 99 + 99) / 100 - 1;  // nearest rank
    if (recent.size() >= kForgiven) place = std::min(place, recent.size() - 2);
    const auto rank = recent.begin() + static_cast<std::ptrdiff_t>(place);
    std::nth_element(recent.begin(), rank, recent.end());
    figures.commit_nanos = *rank;
  }
  if (running_) figures.commit_nanos = std::max(figures.commit_nanos, now.value - running_->value);
  return figures;
}

pressure::SinkRound SinkWatch::take_round(MonotonicNanos now) {
  const std::lock_guard lock(mutex_);
  auto round = round_;
  round.now = now;
  round.batch_fill = batches_ == 0 ? 0 : fill_ / static_cast<double>(batches_);
  round_ = {};
  fill_ = 0;
  batches_ = 0;
  return round;
}

}  // namespace fluxrig::mixer
