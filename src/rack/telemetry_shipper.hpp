// Lane P2 on its way to the mixer: fresh batches out of the queue, and those that had to wait out of the
// backlog on disk. A block that the stream did not take goes into the backlog with the bytes and sequences
// that it had; the mixer knows what it has. Without a backlog it waits in memory, and the queue drops what
// does not fit. No bus of its own: the link publishes what this hands out. One thread (the link's); what
// Source names outlives it.
#pragma once

#include <deque>
#include <optional>

#include "base/clock.hpp"
#include "lane/telemetry_backlog.hpp"
#include "lane/telemetry_queue.hpp"

namespace fluxrig::rack {

class TelemetryShipper {
 public:
  static constexpr std::int64_t kRetryAfter = 500 * kNanosPerMilli;      // after the stream refused
  static constexpr std::int64_t kReadAgainAfter = 500 * kNanosPerMilli;  // after the disk refused

  struct Source {
    lane::TelemetryQueue& queue;
    lane::TelemetryBacklog* backlog = nullptr;  // none: it could not be opened
    MachineId machine_id;
  };
  // What one message in flight carries.
  struct Sent {
    lane::TelemetryBlock block;
    std::optional<lane::TelemetryBacklog::Position> position;  // it came out of the backlog
  };

  explicit TelemetryShipper(Source source) : source_(source) {}

  // The next block; nullptr: nothing for now. Stays the answer until take_*().
  [[nodiscard]] const lane::TelemetryBlock* next_live(bool flush, MonotonicNanos now);
  [[nodiscard]] const lane::TelemetryBlock* next_backlog(MonotonicNanos now);
  // It is handed to the bus: settle() must follow.
  [[nodiscard]] Sent take_live();
  [[nodiscard]] Sent take_backlog();
  // The bus did not take it after all; no settle() follows.
  void give_back(Sent sent);
  void settle(Sent sent, bool taken, MonotonicNanos now);

  // Everything that waits in memory goes to the disk.
  void divert(bool flush);
  // The end, with nothing in flight: the same, and the disk has it. How many records had no disk to go to.
  [[nodiscard]] Result<std::uint64_t> finish();
  // One bounded step of the backlog's own work; true: there is more.
  bool keep_house(lane::TelemetryBacklog::Need need, MonotonicNanos now);
  [[nodiscard]] std::optional<MonotonicNanos> due() const;

  [[nodiscard]] bool settled() const;                 // nothing waits in memory or is in flight
  [[nodiscard]] std::uint64_t backlog_bytes() const;  // on disk; 0 when all of it is acknowledged

 private:
  [[nodiscard]] bool pausing(MonotonicNanos now) const noexcept { return now < retry_at_; }
  void keep(lane::TelemetryBlock block, lane::Sent sent);

  Source source_;
  std::deque<lane::TelemetryBlock> again_;  // without a backlog; no more than were in flight
  std::optional<lane::TelemetryBlock> live_;
  std::optional<lane::TelemetryBacklog::Item> item_;
  std::size_t live_in_flight_ = 0;
  std::size_t backlog_in_flight_ = 0;
  bool rewind_ = false;  // once nothing out of the backlog is in flight
  MonotonicNanos retry_at_{};
  MonotonicNanos read_again_at_{};
  MonotonicNanos housekept_at_{};
};

}  // namespace fluxrig::rack
