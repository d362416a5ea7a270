// Spans of customers' services between those who receive them and the store: requests wait here, bounded,
// until the ingest thread has committed them, and are answered after that. What racks send goes first: the
// store is given at most kMostAtOnce bytes at a time and rests four times as long as the last commit took.
//
// A span whose trace_id and span_id were stored before is not stored again, as long as it is among the last
// kRemembered of this process: a service that had no answer sends the same request anew.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "base/clock.hpp"
#include "sanitize/clean_record.hpp"
#include "sink/sink.hpp"

namespace fluxrig::mixer {

class SpanIntake {
 public:
  static constexpr std::size_t kMostWaiting = 32U << 20;  // bytes of all requests
  // And one request at least, which otlp::kMaxReceivedBytes bounds: less than the room that the store keeps
  // for the log of one commit.
  static constexpr std::size_t kMostAtOnce = 8U << 20;
  static constexpr std::size_t kRemembered = 65'536;
  static constexpr std::int64_t kRestPerCommit = 4;
  static constexpr std::int64_t kRestAfterFailure = kNanosPerSecond;

  enum class Verdict : std::uint8_t {
    kStored,
    kFull,    // too many wait already
    kFailed,  // the store refused; nothing of it is stored
    kLate,    // not stored in time; it may be, later
  };

  explicit SpanIntake(const Clock& clock);

  // Any thread but the store's. Blocks until the spans are stored, or are not, at most `patience`. Each is a
  // model::Span; `bytes`: what they take in memory.
  [[nodiscard]] Verdict store(std::vector<sanitize::CleanRecord> spans, std::size_t bytes,
                              std::chrono::milliseconds patience);

  // The ingest thread: stores what waits, when it is time for it.
  void commit(sink::Sink& sink);
  // Nothing is committed any more: who waits is told kFailed.
  void close();

  [[nodiscard]] std::uint64_t stored() const noexcept { return stored_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t duplicates() const noexcept {
    return duplicates_.load(std::memory_order_relaxed);
  }

 private:
  struct SpanName {
    TraceId trace_id;
    SpanId span_id;
    friend auto operator<=>(const SpanName&, const SpanName&) = default;
  };
  struct Request {
    std::vector<sanitize::CleanRecord> spans;
    std::size_t bytes = 0;
    std::optional<Verdict> verdict;
  };
  using Requests = std::vector<std::shared_ptr<Request>>;

  [[nodiscard]] Requests take();
  void answer(const Requests& requests, Verdict verdict);
  // The spans that are not known; their names are put to `names`.
  [[nodiscard]] std::vector<sanitize::CleanRecord> fresh(const Requests& requests,
                                                         std::vector<SpanName>& names) const;
  void remember(const std::vector<SpanName>& names);

  const Clock& clock_;
  const Epoch epoch_;  // of this process; with the sequence it tells rows apart
  // The ingest thread's.
  Sequence next_{1};
  MonotonicNanos not_before_;
  // Ordered, not hashed: ids are chosen by whoever sends them, and this thread is the racks' as well.
  std::set<SpanName> known_;
  std::deque<SpanName> order_;  // of known_, oldest first

  std::mutex mutex_;  // what is below; a Request's verdict too
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Request>> waiting_;  // shared with who waits, who may leave before
  std::size_t waiting_bytes_ = 0;
  bool closed_ = false;

  std::atomic<std::uint64_t> stored_{0};  // each stands for itself: relaxed
  std::atomic<std::uint64_t> duplicates_{0};
};

}  // namespace fluxrig::mixer
