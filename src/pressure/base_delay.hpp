// What an acknowledgement takes when nothing is queued: the minimum of the last minute or so, by the size of
// the message, because a narrow link needs longer for a larger one. RFC 6817, section 3.4.2 (base delay),
// where all packets have one size. One thread; time is passed in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"

namespace fluxrig::pressure {

class BaseDelay {
 public:
  // A path that became longer is believed after kSpans * kSpan.
  static constexpr std::int64_t kSpan = 10 * kNanosPerSecond;
  static constexpr std::size_t kSpans = 7;

  void add(std::uint64_t bytes, std::int64_t delay_nanos, MonotonicNanos now);

  // Of a message of this size over a link of at least this rate (bytes per second; 0: not known). Sizes that
  // were never seen are told from the smaller ones. nullopt: nothing was seen.
  [[nodiscard]] std::optional<std::int64_t> expected(std::uint64_t bytes, double bytes_per_s) const;
  // The least of any size: the round trip, and what the server needs. nullopt: nothing was seen.
  [[nodiscard]] std::optional<std::int64_t> least() const;
  void clear() noexcept;

 private:
  struct Least {
    std::int64_t nanos = 0;  // 0: none
    std::uint64_t bytes = 0;
  };
  static constexpr std::size_t kClasses = 7;  // up to 1, 2, 4, 8, 16, 32 KiB, and more

  [[nodiscard]] static std::size_t class_of(std::uint64_t bytes) noexcept;
  [[nodiscard]] Least least_of(std::size_t size_class) const noexcept;

  std::array<std::array<Least, kClasses>, kSpans> spans_{};
  std::int64_t span_ = 0;  // the number of the current one: time / kSpan
};

}  // namespace fluxrig::pressure
