#include "rack/io_loop.hpp"

#include <boost/asio/io_context.hpp>
#include <thread>

namespace fluxrig::rack {

void IoLoop::run() {
  while (!io_.stopped()) {
    if (io_.poll() != 0 || io_.stopped()) continue;
    const std::size_t waiting = waiting_();
    if (waiting != 0 && waiting <= kMostWaiting)
      wait_for_disk();
    else
      io_.run_one();
  }
}

void IoLoop::wait_for_disk() {
  const bool back_soon = clock_.monotonic().value - waited_at_.value < kBackSoon;
  if (back_soon && pause_ == 0) {
    linger();
  } else {
    if (pause_ != 0) --pause_;
    io_.run_one();
  }
  waited_at_ = clock_.monotonic();
}

// Others that want this processor get it in between.
void IoLoop::linger() {
  ++lingered_;
  const std::int64_t end = clock_.monotonic().value + kLinger;
  while (io_.poll() == 0 && !io_.stopped()) {
    if (clock_.monotonic().value >= end) {
      pause_ = kPause;
      return;
    }
    std::this_thread::yield();
  }
}

}  // namespace fluxrig::rack
