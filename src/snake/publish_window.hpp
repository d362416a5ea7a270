// The publishes that wait for their stream's acknowledgement: bounded in number and bytes, each answered
// exactly once. Knows no NATS. Any thread; `done` runs on the caller of complete/expire/fail_*, outside the
// lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "snake/bus.hpp"

namespace fluxrig::snake {

class PublishWindow {
 public:
  struct Limits {
    std::size_t messages = 4096;
    std::size_t bytes = 64U << 20;
    std::int64_t timeout_nanos = 5 * kNanosPerSecond;
  };
  // Names one publish for ever: an answer that comes after its time finds nobody.
  using Ticket = std::uint64_t;
  struct Opened {
    Ticket ticket = 0;
    bool first = false;  // the window was empty: whoever watches the deadlines must be woken
  };

  explicit PublishWindow(Limits limits);

  // kFull when either bound is reached; one message over the byte bound passes alone. Calls `done` in no such
  // case.
  [[nodiscard]] Result<Opened> open(std::size_t bytes, PublishDone done, MonotonicNanos now);
  // What the publish was for, so that a refusal by subject finds it. Does nothing if it was answered already.
  void set_subject(Ticket ticket, std::string subject);
  // Forgets it without calling `done`. False: it was answered already.
  [[nodiscard]] bool cancel(Ticket ticket);

  // Each adds what it answers to `counter`, where given, before the first `done` runs.
  using Counter = std::atomic<std::uint64_t>;
  // False: nobody waits under this ticket.
  bool complete(Ticket ticket, const Result<PublishReceipt>& result, Counter* counter = nullptr);
  std::size_t expire(MonotonicNanos now, Counter* counter = nullptr);
  std::size_t fail_subject(std::string_view subject, Error error, Counter* counter = nullptr);
  std::size_t fail_all(Error error, Counter* counter = nullptr);

  [[nodiscard]] std::optional<MonotonicNanos> next_deadline() const;
  [[nodiscard]] std::size_t size() const;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Slot {
    PublishDone done;  // empty: the slot is free
    std::string subject;
    std::size_t bytes = 0;
    MonotonicNanos deadline;
    std::uint32_t generation = 0;
    std::uint32_t previous = kNone;  // in the order of opening, hence of deadlines
    std::uint32_t next = kNone;
  };

  [[nodiscard]] Slot* find(Ticket ticket);
  PublishDone take(std::uint32_t index);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::uint32_t head_ = kNone;
  std::uint32_t tail_ = kNone;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace fluxrig::snake
