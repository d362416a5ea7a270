#include "rack/doorbell.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/assert.hpp"

namespace fluxrig::rack {

Doorbell::Doorbell() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { FR_ASSERT(fd_ >= 0); }
Doorbell::~Doorbell() { ::close(fd_); }

void Doorbell::wake() noexcept {
  // One ringer is enough: whoever finds the flag already taken back needs no system call.
  if (!asleep_.exchange(false, std::memory_order_relaxed)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

void Doorbell::sleep(std::chrono::milliseconds timeout) noexcept {
  pollfd entry{fd_, POLLIN, 0};
  ::poll(&entry, 1, static_cast<int>(timeout.count()));
  stay_awake();
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);
}

}  // namespace fluxrig::rack
