// What became of what was offered to an exporter, in items (spans, data points, log records), since the
// process began. At any rest: offered = delivered + rejected + dropped, all causes, + what waits. Any thread;
// relaxed: each figure stands for itself.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace fluxrig::otlp {

enum class ExportDrop : std::uint8_t {
  kQueueFull,  // the oldest made room
  kOversize,   // a request over kMaxRequestBytes, or over the whole queue
  kRefused,    // an answer that must not be tried again
  kGaveUp,     // no success in time
  kUnusable,   // an answer over kMaxResponseBytes
  kShutdown,   // not sent before the end
};
inline constexpr std::array<std::string_view, 6> kExportDropNames{"queue_full", "oversize", "refused",
                                                                  "gave_up",    "unusable", "shutdown"};
[[nodiscard]] constexpr std::string_view name_of(ExportDrop cause) noexcept {
  return kExportDropNames[static_cast<std::size_t>(cause)];
}

struct ExportCounters {
  using Counter = std::atomic<std::uint64_t>;

  Counter offered{0};
  Counter delivered{0};  // the back end said so
  Counter rejected{0};   // by a partial success
  std::array<Counter, kExportDropNames.size()> dropped{};
  // In requests.
  Counter attempts{0};
  Counter retries{0};             // of these, the same request again
  Counter warnings{0};            // partial successes that rejected nothing
  Counter unreadable_answers{0};  // a success whose body is none: taken as delivered

  static void add(Counter& counter, std::uint64_t amount = 1) noexcept {
    counter.fetch_add(amount, std::memory_order_relaxed);
  }
  void drop(ExportDrop cause, std::uint64_t items) noexcept {
    add(dropped[static_cast<std::size_t>(cause)], items);
  }
  [[nodiscard]] std::uint64_t drops(ExportDrop cause) const noexcept {
    return dropped[static_cast<std::size_t>(cause)].load(std::memory_order_relaxed);
  }
};

}  // namespace fluxrig::otlp
