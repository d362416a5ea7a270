#include "wal/work_thread.hpp"

#include <pthread.h>

#include "base/assert.hpp"

namespace fluxrig::wal {

WorkThread::WorkThread(std::function<void()> ended)
    : ended_(std::move(ended)), thread_(std::thread([this] { run(); })) {
  ::pthread_setname_np(thread_.native_handle(), "wal-work");
}

WorkThread::~WorkThread() {
  if (state_.load(std::memory_order_acquire) != State::kIdle) (void)take();
  start({});
  thread_.join();
}

void WorkThread::start(Work work) {
  FR_ASSERT(state_.load(std::memory_order_acquire) == State::kIdle);
  work_ = std::move(work);
  state_.store(State::kStarted, std::memory_order_release);
  state_.notify_all();
}

Result<void> WorkThread::take() {
  for (State state = state_.load(std::memory_order_acquire); state != State::kDone;
       state = state_.load(std::memory_order_acquire)) {
    FR_ASSERT(state == State::kStarted);
    state_.wait(state, std::memory_order_acquire);
  }
  state_.store(State::kIdle, std::memory_order_release);
  return outcome_;
}

void WorkThread::run() {
  for (;;) {
    const State state = state_.load(std::memory_order_acquire);
    if (state != State::kStarted) {
      state_.wait(state, std::memory_order_acquire);
      continue;
    }
    if (!work_) return;
    outcome_ = work_();
    state_.store(State::kDone, std::memory_order_release);
    state_.notify_all();
    ended_();
  }
}

}  // namespace fluxrig::wal
