// What becomes of a request after an attempt, by the OTLP specification ("OTLP/gRPC Response", "OTLP/HTTP
// Response" and "Connection"), and when the next attempt may be. Pure: no clock, no thread. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace fluxrig::otlp {

// What came of one attempt.
struct Answer {
  enum class Kind : std::uint8_t {
    kAnswered,  // a whole response
    kNone,      // no connection, cut before the end, no HTTP, or too late
    kTooLarge,  // a response over kMaxResponseBytes, which nobody has read to its end
  };
  Kind kind = Kind::kNone;
  unsigned status = 0;                                 // of HTTP, or of gRPC when `is_grpc`
  std::optional<std::int64_t> retry_after_nanos = {};  // Retry-After, or gRPC's RetryInfo; 0: now
  std::string body = {};                               // of gRPC: the message
  std::string why = {};                                // kNone, and of gRPC: a few words for the operator
  bool is_grpc = false;
  bool is_unreadable = false;  // `body` is not what the peer has sent, which was no whole message
};

inline constexpr std::size_t kMaxResponseBytes = 4U << 20;

enum class Verdict : std::uint8_t {
  kDelivered,
  kRetry,
  kRefused,   // the same request would be refused again
  kUnusable,  // too large an answer: must not be sent again either
};
[[nodiscard]] Verdict judge(const Answer& answer) noexcept;
// "HTTP 503", "gRPC UNAVAILABLE".
[[nodiscard]] std::string status_text(const Answer& answer);

// When to try again. The waits grow from one failure to the next, over requests as well: a back end that is
// down is asked no faster because there is more to send. A success resets them.
class Backoff {
 public:
  struct Options {
    std::int64_t first = kNanosPerSecond;
    std::int64_t most = 30 * kNanosPerSecond;
    std::int64_t give_up = 300 * kNanosPerSecond;  // after a request's first attempt
  };
  static constexpr std::int64_t kGrowthPercent = 150;
  static constexpr std::int64_t kLeastPart = 10;  // of `first`: sooner is nothing tried, whoever asks for it

  explicit Backoff(Options options) : options_(options), next_(options.first) {}

  struct Wait {
    MonotonicNanos until;  // nothing is sent before
    bool give_up = false;  // this request is over; `until` holds for the next one
  };
  // After a failure at `now` of a request that was first sent at `began`. Without Retry-After the wait is
  // uniform within half and one and a half of its nominal length; with it at least that long (and `first` /
  // kLeastPart), at most a tenth longer.
  [[nodiscard]] Wait after(MonotonicNanos began, MonotonicNanos now, std::optional<std::int64_t> retry_after,
                           Random& random) noexcept;
  void reset() noexcept { next_ = options_.first; }

 private:
  Options options_;
  std::int64_t next_;  // the nominal length of the next wait
};

}  // namespace fluxrig::otlp
