#include "mixer/pressure_thread.hpp"

#include <utility>

namespace fluxrig::mixer {

PressureThread::PressureThread(PressureDesk::Parts parts, PressureDesk::Options options)
    : desk_(std::move(parts), options), thread_([this] { run(); }) {}

PressureThread::~PressureThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void PressureThread::greet(const MachineId& machine) {
  desk_.greet(machine);
  {
    const std::lock_guard lock(mutex_);
    greeted_ = true;
  }
  wake_.notify_one();
}

void PressureThread::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    greeted_ = false;
    lock.unlock();
    desk_.turn();
    lock.lock();
    wake_.wait_for(lock, kTurnEvery, [this] { return stop_ || greeted_; });
  }
}

}  // namespace fluxrig::mixer
