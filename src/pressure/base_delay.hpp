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
  // A path that became longer is believed after kSpans * kSpan, or as was_alone() says.
  static constexpr std::int64_t kSpan = 10 * kNanosPerSecond;
  static constexpr std::size_t kSpans = 7;
  // So many messages in a row that were alone and late show a longer path.
  static constexpr int kLateAlone = 16;

  void add(std::uint64_t bytes, std::int64_t delay_nanos, MonotonicNanos now);

  // A message that could meet no queue of ours took so long; `late`: more than a queue may take. True: the
  // path has become longer, and all is forgotten but the least of these. A machine that becomes busy answers
  // everything some milliseconds later at once: without this it would look like a queue for a minute.
  [[nodiscard]] bool was_alone(std::uint64_t bytes, std::int64_t delay_nanos, bool late, MonotonicNanos now);

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
  int late_alone_ = 0;  // in a row
  std::int64_t least_alone_ = 0;
  std::int64_t span_ = 0;  // the number of the current one: time / kSpan
};

}  // namespace fluxrig::pressure
