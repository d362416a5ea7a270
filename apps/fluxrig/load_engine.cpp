#include "fluxrig/load_engine.hpp"

#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>

namespace fluxrig::client {

std::uint64_t LoadPlan::total() const noexcept {
  const auto most = requests == 0 ? UINT64_MAX : requests;
  if (rate <= 0) return most;
  const double by_duration =
      std::floor(rate * static_cast<double>(duration) / static_cast<double>(kNanosPerSecond) + 1e-9);
  return std::min(most, static_cast<std::uint64_t>(std::max(1.0, by_duration)));
}

std::int64_t LoadPlan::due(std::uint64_t index) const noexcept {
  return static_cast<std::int64_t>(static_cast<double>(index) * static_cast<double>(kNanosPerSecond) / rate);
}

LoadEngine::LoadEngine(LoadPlan plan, Parts parts, LoadAddress address)
    : plan_(plan), parts_(std::move(parts)), address_(address), total_(plan.total()) {}

LoadEngine::~LoadEngine() {
  if (epoll_ >= 0) ::close(epoll_);
}

Outcome<void> LoadEngine::run() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return problem(fmt::format("no epoll: {}", std::strerror(errno)));
  // The usual slack of 50 us would be measured as latency.
  (void)::prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  if (auto opened = open_all(); !opened) return opened;
  loop();
  parts_.statistics.set_elapsed(now_ - start_);
  return {};
}

Outcome<void> LoadEngine::open_all() {
  now_ = parts_.clock.monotonic().value;
  for (unsigned i = 0; i < plan_.connections; ++i) {
    connections_.push_back(std::make_unique<LoadConnection>());
    open(i);
  }
  while (connecting_ > 0 && !parts_.stop.load(std::memory_order_relaxed)) {
    wait(now_ + kSweepEvery);
    sweep();
  }
  if (free_.empty())
    return problem("the first connection was accepted and all others were not; is the rack at its limit?");
  return {};
}

void LoadEngine::loop() {
  now_ = parts_.clock.monotonic().value;
  start_ = now_;
  end_ = start_ + plan_.duration;
  second_at_ = start_ + kNanosPerSecond;
  for (;;) {
    if (parts_.stop.load(std::memory_order_relaxed)) total_ = std::min(total_, next_);
    issue();
    if (finished()) return;
    wait(next_wake());
    if (now_ >= sweep_at_) sweep();
    if (now_ < second_at_) continue;
    second_at_ += kNanosPerSecond;
    if (parts_.each_second) parts_.each_second(now_ - start_);
  }
}

bool LoadEngine::finished() const noexcept {
  const bool all_issued = next_ >= total_ || (plan_.rate <= 0 && now_ >= end_);
  return all_issued && waiting_ == 0;
}

void LoadEngine::issue() {
  if (plan_.rate > 0)
    issue_due();
  else
    issue_closed();
}

void LoadEngine::issue_due() {
  while (next_ < total_) {
    const auto due = start_ + plan_.due(next_);
    if (due > now_) return;
    Index index = 0;
    if (now_ - due > plan_.timeout) {
      parts_.statistics.lost(LoadError::kUnsent, now_ - due);
      ++next_;
    } else if (take_free(index)) {
      send_one(index, due);
    } else {
      return;
    }
  }
}

void LoadEngine::issue_closed() {
  Index index = 0;
  while (next_ < total_ && now_ < end_ && take_free(index)) send_one(index, now_);
}

void LoadEngine::send_one(Index index, std::int64_t due) {
  auto& connection = *connections_[index];
  const auto request = parts_.protocol.append_request(++next_, connection.out);
  connection.waiting.push_back({request.key, request.trace_id, due, now_});
  ++waiting_;
  parts_.statistics.sent();
  flush(index);
  offer(index);
}

bool LoadEngine::take_free(Index& index) {
  while (!free_.empty()) {
    index = free_.front();
    free_.pop_front();
    auto& connection = *connections_[index];
    connection.listed = false;
    if (connection.state() == LoadConnection::State::kReady && connection.waiting.size() < plan_.in_flight)
      return true;
  }
  return false;
}

void LoadEngine::offer(Index index) {
  auto& connection = *connections_[index];
  if (connection.listed || connection.state() != LoadConnection::State::kReady ||
      connection.waiting.size() >= plan_.in_flight)
    return;
  connection.listed = true;
  free_.push_back(index);
}

std::int64_t LoadEngine::next_wake() const noexcept {
  std::int64_t wake = std::min(sweep_at_, second_at_);
  if (plan_.rate > 0 && next_ < total_ && !free_.empty()) wake = std::min(wake, start_ + plan_.due(next_));
  return wake;
}

void LoadEngine::wait(std::int64_t until) {
  constexpr int kMostEvents = 128;
  std::array<epoll_event, kMostEvents> events;
  const auto left = std::max<std::int64_t>(0, until - parts_.clock.monotonic().value);
  const timespec timeout{left / kNanosPerSecond, left % kNanosPerSecond};
  const int count = ::epoll_pwait2(epoll_, events.data(), kMostEvents, &timeout, nullptr);
  now_ = parts_.clock.monotonic().value;
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    handle(event.data.u64, event.events);
  }
}

void LoadEngine::sweep() {
  sweep_at_ = now_ + kSweepEvery;
  for (Index index = 0; index < connections_.size(); ++index) {
    auto& connection = *connections_[index];
    switch (connection.state()) {
      case LoadConnection::State::kClosed:
        if (now_ >= connection.changed_at + connection.retry_delay) open(index);
        break;
      case LoadConnection::State::kConnecting:
        if (now_ > connection.changed_at + plan_.timeout) lose(index, LoadError::kConnect);
        break;
      case LoadConnection::State::kReady:
        if (!connection.waiting.empty() && now_ - connection.waiting.front().sent > plan_.timeout)
          lose(index, LoadError::kTimeout);
        break;
    }
  }
}

}  // namespace fluxrig::client
