// What a load run counts, and how it is told. Latencies run from the time at which a request was due, not
// from when it could be sent, so a system that stalls cannot hide what waited meanwhile (coordinated
// omission). One thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "fluxrig/terminal.hpp"
#include "tap/histogram.hpp"

namespace fluxrig::client {

enum class LoadError : std::uint8_t {
  kConnect,   // a connection could not be opened again
  kClosed,    // the peer closed it before the reply
  kTimeout,   // no reply in time
  kProtocol,  // the reply could not be read
  kUnsent,    // no connection was free until the time-out
  kStatus,    // the reply says that it failed
};
inline constexpr std::size_t kLoadErrors = 6;
[[nodiscard]] std::string_view to_string(LoadError error) noexcept;

// The value under which a share `quantile` of the recorded ones lies, interpolated within its bucket; 0 for
// an empty histogram.
[[nodiscard]] double value_at(const model::ExponentialHistogram& histogram, double quantile);

class LoadStatistics {
 public:
  static constexpr std::size_t kStatuses = 1000;

  void sent() noexcept { ++sent_; }
  // `nanos` from due to answered.
  void answered(std::int64_t nanos, unsigned status, bool success);
  // A request that will have no reply; `nanos` from due to giving up.
  void lost(LoadError error, std::int64_t nanos);
  void connect_failed() noexcept { ++errors_[static_cast<std::size_t>(LoadError::kConnect)]; }
  void stray() noexcept { ++strays_; }
  void set_elapsed(std::int64_t nanos) noexcept { elapsed_ = nanos; }
  void set_cpu(std::int64_t nanos) noexcept { cpu_ = nanos; }

  [[nodiscard]] std::uint64_t sent_count() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t answered_count() const noexcept { return answered_; }
  [[nodiscard]] std::uint64_t error_count() const noexcept;
  [[nodiscard]] std::uint64_t count(LoadError error) const noexcept {
    return errors_[static_cast<std::size_t>(error)];
  }

  // "   3 s  sent 15000  answered 14998  errors 0  p50 0.42 ms  p99 1.93 ms": the latencies are those since
  // the last call.
  [[nodiscard]] std::string progress_line(std::int64_t elapsed_nanos);
  struct Run {
    std::string_view protocol;
    std::string target;
    double rate = 0;  // 0: closed loop
    unsigned connections = 0;
  };
  [[nodiscard]] std::string summary(const Run& run, const Terminal& terminal) const;
  [[nodiscard]] std::string summary_json(const Run& run) const;

 private:
  void record(std::int64_t nanos);
  [[nodiscard]] double throughput() const noexcept;

  tap::Histogram all_;
  std::unique_ptr<tap::Histogram> interval_ = std::make_unique<tap::Histogram>();
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t strays_ = 0;  // replies to nobody, or too late
  std::array<std::uint64_t, kLoadErrors> errors_{};
  std::array<std::uint64_t, kStatuses> statuses_{};
  std::int64_t elapsed_ = 0;
  std::int64_t cpu_ = 0;
};

}  // namespace fluxrig::client
