#include "bench/cost/timing.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "bench/cost/tapped_transaction.hpp"
#include "bench/give_up.hpp"

namespace fluxrig::bench {
namespace {

constexpr double kTrimmed = 0.05;  // of the samples, at either end
constexpr std::size_t kUnseen = 20'000;

// Stands for what a gateway does with a message: walks a buffer and depends on each byte.
std::uint64_t business(const std::array<std::uint8_t, 1'024>& message, std::uint64_t seed) {
  for (const std::uint8_t byte : message) seed = (seed ^ byte) * 0x100000001b3U;
  return seed;
}

// Takes what comes and reads its bytes, until told.
void empty(tap::Ring& ring, const std::atomic<bool>& ended) {
  std::uint64_t seen = 0;
  while (!ended.load(std::memory_order_relaxed)) {
    for (ByteView record = ring.peek(); !record.empty(); record = ring.peek()) {
      seen += std::accumulate(record.begin(), record.end(), std::uint64_t{0});
      (void)ring.release();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  if (seen == 0) give_up("no record came through the ring");
}

struct Samples {
  std::vector<double> nanos;
  [[nodiscard]] double trimmed_mean() const {
    const auto cut = static_cast<std::ptrdiff_t>(kTrimmed * static_cast<double>(nanos.size()));
    return std::accumulate(nanos.begin() + cut, nanos.end() - cut, 0.0) /
           static_cast<double>(nanos.end() - nanos.begin() - 2 * cut);
  }
  [[nodiscard]] double p99() const { return nanos[nanos.size() * 99 / 100]; }
};

}  // namespace

Timing time_tap(std::size_t iterations) {
  TappedTransaction transaction;
  const tap::TickSource& source = transaction.source();
  const SystemClock clock;
  const tap::TickConverter ticks(source, clock);
  tap::Ring ring(4U << 20);
  std::atomic<bool> ended{false};
  std::thread pump([&] { empty(ring, ended); });
  SeededRandom random(11);
  std::array<std::uint8_t, 1'024> message{};
  std::array<Samples, 2> samples;
  std::uint64_t result = 0;
  for (std::size_t i = 0; i < iterations + kUnseen; ++i) {
    const bool tapped = random.below(2) == 1;
    const tap::Ticks start = source.now();
    result = business(message, result);
    if (tapped && !transaction.run(ring)) give_up("the ring is full");
    const tap::Ticks end = source.now();
    message[result % message.size()] = static_cast<std::uint8_t>(result);
    if (i >= kUnseen)
      samples[tapped].nanos.push_back(static_cast<double>(ticks.to_nanos(end.value - start.value)));
  }
  ended = true;
  pump.join();
  for (Samples& some : samples) std::ranges::sort(some.nanos);
  return {samples[0].trimmed_mean(), samples[1].trimmed_mean() - samples[0].trimmed_mean(),
          samples[1].p99() - samples[0].p99()};
}

}  // namespace fluxrig::bench
