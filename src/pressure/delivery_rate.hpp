// What a link really carries, from what was acknowledged: the bytes delivered between a message's departure
// and its acknowledgement, over the time that took, as BBR estimates it
// (draft-cheng-iccrg-delivery-rate-estimation). It never says more than the link carries, unless
// acknowledgements come in bunches; it says less while less is sent. One thread; time is passed in.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.hpp"

namespace fluxrig::pressure {

class DeliveryRate {
 public:
  // What a message takes along, to be given back with its acknowledgement.
  struct Mark {
    std::uint64_t delivered = 0;
    MonotonicNanos delivered_at;
    MonotonicNanos first_sent;
  };

  // `idle`: nothing else is in flight.
  [[nodiscard]] Mark sent(bool idle, MonotonicNanos now);
  void acknowledged(const Mark& mark, std::uint64_t bytes, MonotonicNanos sent_at, MonotonicNanos now);

  // Bytes per second; 0: not known. The highest of the last one or two `window` of time: some round trips.
  [[nodiscard]] double recent() const noexcept;
  void set_window(std::int64_t nanos) noexcept { window_ = nanos; }
  // The highest of the last minute or so: what the link can carry, if it was ever filled.
  [[nodiscard]] double highest() const noexcept;
  void clear() noexcept;

 private:
  static constexpr std::int64_t kSpan = 10 * kNanosPerSecond;
  static constexpr std::size_t kSpans = 7;

  void note(double rate, MonotonicNanos now);

  std::uint64_t delivered_ = 0;
  MonotonicNanos delivered_at_;
  MonotonicNanos first_sent_;
  std::int64_t window_ = kNanosPerSecond;
  double current_ = 0, previous_ = 0;
  MonotonicNanos window_began_;
  std::array<double, kSpans> spans_{};
  std::int64_t span_ = 0;
};

}  // namespace fluxrig::pressure
