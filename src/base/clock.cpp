#include "base/clock.hpp"

#include <fmt/format.h>

#include <ctime>

namespace fluxrig {
namespace {

std::int64_t read(clockid_t id) noexcept {
  timespec time{};
  ::clock_gettime(id, &time);
  return std::int64_t{time.tv_sec} * kNanosPerSecond + time.tv_nsec;
}

}  // namespace

UnixNanos SystemClock::now() const noexcept { return {read(CLOCK_REALTIME)}; }
MonotonicNanos SystemClock::monotonic() const noexcept { return {read(CLOCK_MONOTONIC)}; }

std::string to_rfc3339(UnixNanos time) {
  std::int64_t seconds = time.value / kNanosPerSecond;
  std::int64_t nanos = time.value % kNanosPerSecond;
  if (nanos < 0) {
    nanos += kNanosPerSecond;
    --seconds;
  }
  const auto as_time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&as_time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, nanos);
}

}  // namespace fluxrig
