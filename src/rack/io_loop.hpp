// The io thread's loop: io_context::run(), except that it stays awake for the disk when one caller after the
// other is answered and at once back: to be put to sleep and woken again is a tenth to a fifth of what a
// group commit takes. What it burns is bounded by that: nothing when idle, nothing below some 1,000
// transactions a second, nothing when many wait. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/clock.hpp"

namespace boost::asio {
class io_context;
}

namespace fluxrig::rack {

class IoLoop {
 public:
  // A group commit that takes longer is slept through, and so are the next kPause.
  static constexpr std::int64_t kLinger = 250 * kNanosPerMicro;
  static constexpr unsigned kPause = 32;
  // The next reply waits for the disk this soon after the one before it had its answer.
  static constexpr std::int64_t kBackSoon = 500 * kNanosPerMicro;
  // With more replies waiting than this they share the wake-up, and others need the processor.
  static constexpr std::size_t kMostWaiting = 2;

  // `waiting`: how many replies wait for the disk now.
  IoLoop(boost::asio::io_context& io, const Clock& clock, std::function<std::size_t()> waiting)
      : io_(io), clock_(clock), waiting_(std::move(waiting)) {}

  // Until the context is stopped or out of work.
  void run();
  [[nodiscard]] std::uint64_t lingered() const noexcept { return lingered_; }  // times

 private:
  void wait_for_disk();
  void linger();

  boost::asio::io_context& io_;
  const Clock& clock_;
  std::function<std::size_t()> waiting_;
  MonotonicNanos waited_at_;  // the last wait for the disk was over
  unsigned pause_ = 0;
  std::uint64_t lingered_ = 0;
};

}  // namespace fluxrig::rack
