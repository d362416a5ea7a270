// A model of a link for tests and the simulator: a rate, a delay and a queue, as a TCP connection shows them,
// that is in order, and a lost packet holds up what follows. One thread; time and randomness are passed in.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace fluxrig::pressure {

struct LinkModel {
  double bytes_per_s = 1e6;
  std::int64_t round_trip = 100 * kNanosPerMilli;
  double loss = 0;                  // of each packet
  std::uint64_t noise_percent = 0;  // so many messages take up to server_noise longer, at the server
  std::int64_t server_noise = 30 * kNanosPerMilli;

  struct Passage {
    MonotonicNanos arrives;   // at the server
    MonotonicNanos answered;  // back at the sender
  };
  // Of a message that is sent now.
  Passage send(std::uint64_t bytes, MonotonicNanos now, Random& random) {
    constexpr double kPacket = 1460;
    const auto size = static_cast<double>(bytes);
    waited = std::max<std::int64_t>(free_at.value - now.value, 0);
    free_at = {now.value + waited + static_cast<std::int64_t>(size / bytes_per_s * kNanosPerSecond)};
    std::int64_t arrives = free_at.value + round_trip / 2;
    const auto packets = static_cast<std::uint64_t>(size / kPacket) + 1;
    for (std::uint64_t i = 0; loss > 0 && i < packets; ++i) {
      if (static_cast<double>(random.below(1'000'000)) >= loss * 1e6) continue;
      arrives += round_trip;  // until the fast retransmission
      break;
    }
    arrived_at = {std::max(arrives, arrived_at.value)};
    std::int64_t answered = arrived_at.value + round_trip - round_trip / 2;
    if (random.below(100) < noise_percent)
      answered += static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(server_noise)));
    return {arrived_at, {answered}};
  }
  // A new connection: nothing of the old one is in its way.
  void reconnect(MonotonicNanos now) noexcept { free_at = arrived_at = now; }

  MonotonicNanos free_at;     // the link's near end
  MonotonicNanos arrived_at;  // of the latest byte at the far end
  std::int64_t waited = 0;    // of the last message: in the queue
};

}  // namespace fluxrig::pressure
