#include "mixer/dead_letter_thread.hpp"

#include <chrono>
#include <utility>

namespace fluxrig::mixer {
namespace {
constexpr std::chrono::milliseconds kCollectFor{500};
constexpr std::chrono::milliseconds kPauseAfterFailure{500};
}  // namespace

Outcome<std::unique_ptr<DeadLetterThread>> DeadLetterThread::start(snake::NatsBus& bus,
                                                                   Diagnostics& diagnostics) {
  auto collector = snake::DeadLetterCollector::open(bus, diagnostics);
  if (!collector) return tl::unexpected(collector.error());
  return std::make_unique<DeadLetterThread>(std::move(*collector));
}

DeadLetterThread::DeadLetterThread(std::unique_ptr<snake::DeadLetterCollector> collector)
    : collector_(std::move(collector)), thread_([this] { run(); }) {}

DeadLetterThread::~DeadLetterThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void DeadLetterThread::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    const bool done = collector_->collect(kCollectFor).has_value();
    lock.lock();
    // The connection is away: it fails at once, and the bus says so already.
    if (!done) wake_.wait_for(lock, kPauseAfterFailure, [this] { return stop_; });
  }
}

}  // namespace fluxrig::mixer
