// What happens when, in simulated time: a queue of actions, those of one instant in an order that the seed
// decides. Running one advances the clock to it. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace fluxrig::sim {

class Schedule {
 public:
  using Action = std::function<void()>;

  Schedule(ManualClock& clock, Random& random) : clock_(clock), random_(random) {}

  // Nanoseconds since the simulation began; what is past already happens next.
  void at(std::int64_t time, Action action);
  void after(std::int64_t delay, Action action) { at(now() + delay, std::move(action)); }
  // False: nothing is left to do.
  bool run_one();
  [[nodiscard]] std::int64_t now() const noexcept { return clock_.monotonic().value; }
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }

 private:
  struct Entry {
    std::int64_t time = 0;
    std::uint32_t tie = 0;
    std::uint64_t number = 0;
    Action action;
  };
  [[nodiscard]] static bool later(const Entry& a, const Entry& b) noexcept;

  ManualClock& clock_;
  Random& random_;
  std::uint64_t made_ = 0;
  std::vector<Entry> heap_;
};

}  // namespace fluxrig::sim
