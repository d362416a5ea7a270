// Wakes a thread that may sleep, at no cost while it is awake. The sleeper announces itself, looks once more
// for work, and only then sleeps; the ringer publishes work first, and makes a system call only when somebody
// sleeps.
#pragma once

#include <atomic>
#include <chrono>

#include "base/result.hpp"

namespace fluxrig::rack {

class Doorbell {
 public:
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // Any thread, after the work was published. The fence orders the publication before the look at `asleep_`;
  // it pairs with the fence in `about_to_sleep`.
  void ring() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_relaxed)) wake();
  }

  // The sleeper: announce, then check for work, then `sleep` or `stay_awake`.
  void about_to_sleep() noexcept {
    asleep_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  void stay_awake() noexcept { asleep_.store(false, std::memory_order_relaxed); }
  // Until rung or `timeout`; negative: for ever.
  void sleep(std::chrono::milliseconds timeout) noexcept;

 private:
  void wake() noexcept;
  std::atomic<bool> asleep_{false};
  int fd_;
};

}  // namespace fluxrig::rack
