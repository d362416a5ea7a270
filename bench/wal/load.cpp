#include "bench/wal/load.hpp"

#include <thread>

namespace fluxrig::bench {
namespace {
constexpr std::size_t kReservedLatencies = 1U << 16;
}

Measured run_threads(const Load& load, const std::function<Append(unsigned)>& writer) {
  std::vector<std::vector<std::uint32_t>> latencies(load.writers);
  std::vector<std::thread> threads;
  const Window window(load);
  for (unsigned i = 0; i < load.writers; ++i) {
    latencies[i].reserve(kReservedLatencies);
    threads.emplace_back([&, i] {
      const Append append = writer(i);
      for (auto started = std::chrono::steady_clock::now(); !window.over(started);) {
        append();
        const auto ended = std::chrono::steady_clock::now();
        window.count(started, ended, latencies[i]);
        started = ended;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  Measured measured{window.seconds(), {}};
  for (const auto& one : latencies)
    measured.latencies_ns.insert(measured.latencies_ns.end(), one.begin(), one.end());
  return measured;
}

}  // namespace fluxrig::bench
