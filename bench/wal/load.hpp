// What every system of the comparison is asked to do, and what is measured: `writers` writers, each of which
// appends one record, waits until the system says that it is kept, and appends the next.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fluxrig::bench {

struct Load {
  unsigned writers = 1;
  std::chrono::milliseconds warm_up{500};  // not counted
  std::chrono::milliseconds time{2000};
  bool commit = true;     // wait until it is on disk; otherwise until the system has it
  std::string directory;  // empty, on the disk to be measured
};

struct Measured {
  double seconds = 0;
  std::vector<std::uint32_t> latencies_ns;  // one for each append, in no order
};

// The window in which appends count. Any thread after construction.
class Window {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Window(const Load& load)
      : begin_(std::chrono::steady_clock::now() + load.warm_up), end_(begin_ + load.time) {}
  [[nodiscard]] bool over(Time now) const noexcept { return now >= end_; }
  // An append counts in the window in which it ended.
  void count(Time started, Time ended, std::vector<std::uint32_t>& latencies) const {
    if (ended < begin_ || ended >= end_) return;
    const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(ended - started).count();
    latencies.push_back(static_cast<std::uint32_t>(nanos < UINT32_MAX ? nanos : UINT32_MAX));
  }
  [[nodiscard]] double seconds() const noexcept {
    return std::chrono::duration<double>(end_ - begin_).count();
  }

 private:
  Time begin_;
  Time end_;
};

// One thread a writer. `writer(i)` is called in its thread and gives the append that it repeats.
using Append = std::function<void()>;
[[nodiscard]] Measured run_threads(const Load& load, const std::function<Append(unsigned)>& writer);

}  // namespace fluxrig::bench
