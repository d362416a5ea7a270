// What the tap adds to a transaction in time, beside a thread that empties the ring as the pump does.
#pragma once

#include <cstddef>

namespace fluxrig::bench {

struct Timing {
  double base_nanos = 0;          // a transaction without tap, trimmed mean
  double added_nanos = 0;         // by the tap: difference of the trimmed means
  double added_nanos_at_p99 = 0;  // difference of the 99th percentiles
};

// `iterations` transactions of about 1.5 us; which are tapped is random.
[[nodiscard]] Timing time_tap(std::size_t iterations);

}  // namespace fluxrig::bench
