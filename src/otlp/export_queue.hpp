// What waits for one back end and signal: bounded in bytes, the oldest leaves first. Offering never waits for
// the back end: a dead one costs this queue and nothing else. Any thread; a short lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "otlp/export_counters.hpp"

namespace fluxrig::otlp {

inline constexpr std::size_t kMaxRequestBytes = 64U << 20;  // before compression

// One Export<Signal>ServiceRequest, encoded.
struct ExportRequest {
  std::string body;
  std::uint64_t items = 0;  // spans, data points or log records
};

class ExportQueue {
 public:
  // `counters` outlives this.
  ExportQueue(std::size_t max_bytes, ExportCounters& counters) : max_bytes_(max_bytes), counters_(counters) {}
  ExportQueue(const ExportQueue&) = delete;
  ExportQueue& operator=(const ExportQueue&) = delete;

  // Counts the items as offered, and those that are dropped for it by their cause.
  void offer(ExportRequest request);
  // The oldest. What it took stays counted as held until `release`.
  [[nodiscard]] std::optional<ExportRequest> take();
  void release();
  // Everything that waits goes, counted as `cause`; not what was taken.
  void drop_all(ExportDrop cause);

  [[nodiscard]] bool empty() const;
  [[nodiscard]] std::size_t bytes() const;  // with what was taken and not released
  // 0: empty, 1: full.
  [[nodiscard]] double saturation() const;

 private:
  const std::size_t max_bytes_;
  ExportCounters& counters_;
  mutable std::mutex mutex_;  // what is below
  std::deque<ExportRequest> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::size_t taken_bytes_ = 0;
};

}  // namespace fluxrig::otlp
