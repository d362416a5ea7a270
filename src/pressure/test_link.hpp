// A link with a rate, a delay and a queue, as a TCP connection shows it: in order, and a lost packet holds up
// what follows. For tests and the simulator; one thread, its own time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace fluxrig::pressure {

struct TestLink {
  double bytes_per_s = 1e6;
  std::int64_t round_trip = 100 * kNanosPerMilli;
  double loss = 0;                  // of each packet
  std::uint64_t noise_percent = 0;  // so many messages take up to server_noise longer, at the server
  std::int64_t server_noise = 30 * kNanosPerMilli;

  // The time of the acknowledgement of a message sent now.
  MonotonicNanos send(std::uint64_t bytes, MonotonicNanos now, Random& random) {
    constexpr double kPacket = 1460;
    const auto occupied =
        static_cast<std::int64_t>(static_cast<double>(bytes) / bytes_per_s * kNanosPerSecond);
    waited = std::max<std::int64_t>(free_at.value - now.value, 0);
    free_at = {std::max(free_at.value, now.value) + occupied};
    std::int64_t arrives = free_at.value + round_trip / 2;
    const auto packets = static_cast<std::uint64_t>(static_cast<double>(bytes) / kPacket) + 1;
    for (std::uint64_t i = 0; i < packets; ++i)
      if (loss > 0 && static_cast<double>(random.below(1'000'000)) < loss * 1e6) {
        arrives += round_trip;  // fast retransmission
        break;
      }
    arrived_at = {std::max(arrives, arrived_at.value)};
    std::int64_t answered = arrived_at.value + round_trip - round_trip / 2;
    if (random.below(100) < noise_percent)
      answered += static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(server_noise)));
    return {answered};
  }

  MonotonicNanos free_at;     // the link's own end
  MonotonicNanos arrived_at;  // of the latest byte at the far end
  std::int64_t waited = 0;    // of the last message: in the queue
};

}  // namespace fluxrig::pressure
