// Time, passed in. `Clock` is the only source of time for every class above it, so that the simulator can
// advance it. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace fluxrig {

// Nanoseconds since 1970-01-01T00:00:00Z (OpenTelemetry's `time_unix_nano`). May jump when the host's clock
// is set.
struct UnixNanos {
  std::int64_t value = 0;
  friend auto operator<=>(const UnixNanos&, const UnixNanos&) = default;
};

// Nanoseconds of a clock that never goes back; meaningful only as a difference within one process.
struct MonotonicNanos {
  std::int64_t value = 0;
  friend auto operator<=>(const MonotonicNanos&, const MonotonicNanos&) = default;
};

inline constexpr std::int64_t kNanosPerMicro = 1'000;
inline constexpr std::int64_t kNanosPerMilli = 1'000'000;
inline constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual UnixNanos now() const noexcept = 0;
  [[nodiscard]] virtual MonotonicNanos monotonic() const noexcept = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] UnixNanos now() const noexcept override;
  [[nodiscard]] MonotonicNanos monotonic() const noexcept override;
};

// Stands still until told otherwise; for tests and the simulator. One thread.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(UnixNanos start = {1'700'000'000 * kNanosPerSecond}) : now_(start) {}
  [[nodiscard]] UnixNanos now() const noexcept override { return now_; }
  [[nodiscard]] MonotonicNanos monotonic() const noexcept override { return {elapsed_}; }
  void advance(std::int64_t nanos) noexcept {
    now_.value += nanos;
    elapsed_ += nanos;
  }
  // Sets the wall clock alone, as an operator or NTP step would.
  void jump(std::int64_t nanos) noexcept { now_.value += nanos; }

 private:
  UnixNanos now_;
  std::int64_t elapsed_ = 0;
};

// RFC 3339 in UTC with nanoseconds: "2026-11-22T14:03:07.412000000Z".
[[nodiscard]] std::string to_rfc3339(UnixNanos time);

}  // namespace fluxrig
