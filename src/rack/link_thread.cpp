#include "rack/link_thread.hpp"

#include <pthread.h>

#include <algorithm>

namespace fluxrig::rack {

void LinkThread::start() {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "link");
}

bool LinkThread::stop(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return settled_;
  give_up_.store(clock_.monotonic().value + patience.count() * kNanosPerMilli, std::memory_order_relaxed);
  // Pairs with the acquire loads in run().
  stopping_.store(true, std::memory_order_release);
  bell_.ring();
  thread_.join();
  return settled_;
}

void LinkThread::run() {
  while (!stopping_.load(std::memory_order_acquire)) {
    link_.turn();
    // While something is on its way more of it follows; an idle rack is not woken a second time.
    if (!link_.settled()) std::this_thread::sleep_for(std::chrono::nanoseconds(link_.rest()));
    bell_.about_to_sleep();
    const std::int64_t left = link_.next_due() - clock_.monotonic().value;
    if (left <= 0 || link_.has_news() || stopping_.load(std::memory_order_acquire)) {
      bell_.stay_awake();
      continue;
    }
    bell_.sleep(std::min(kLongestSleep, std::chrono::milliseconds(left / kNanosPerMilli + 1)));
  }
  while (true) {
    link_.turn(/*flush_telemetry=*/true);
    settled_ = link_.settled();
    if (settled_ || clock_.monotonic().value >= give_up_.load(std::memory_order_relaxed)) break;
    std::this_thread::sleep_for(std::chrono::nanoseconds(link_.rest()));
  }
  link_.finish();
}

}  // namespace fluxrig::rack
