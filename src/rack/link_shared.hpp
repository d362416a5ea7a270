// What the bus's callbacks share with the link; it outlives both. Only link*.cpp include this. Any thread.
#pragma once

#include <deque>

#include "rack/link.hpp"

namespace fluxrig::rack {

struct Link::Shared {
  static constexpr std::size_t kMaxReceipts = 1024;

  struct Answer {
    bool live = false;   // of the live stretch, else of the backlog
    bool taken = false;  // the stream has it
  };

  std::mutex mutex;  // guards wake, waiting, answers and telemetry_again
  std::function<void()> wake;
  std::vector<model::Receipt> waiting;
  std::vector<Answer> answers;                       // bounded by the windows
  std::deque<lane::TelemetryBlock> telemetry_again;  // at most kTelemetryWindow: none is taken meanwhile
  // Counted up by the link before a publish, down by its callback.
  std::atomic<std::size_t> audit_in_flight{0};
  std::atomic<std::size_t> telemetry_in_flight{0};
  std::atomic<bool> telemetry_refused{false};  // pause before the next try
  std::atomic<bool> wants_room{false};  // the link stopped at a window: the next acknowledgement wakes it
  std::atomic<bool> news{false};        // set by every ring, taken back by the next turn

  [[nodiscard]] std::size_t in_flight() const noexcept {
    return audit_in_flight.load(std::memory_order_acquire) +
           telemetry_in_flight.load(std::memory_order_acquire);
  }
  void audit_done(Answer answer) {
    {
      const std::lock_guard lock(mutex);
      answers.push_back(answer);
    }
    const bool last = audit_in_flight.fetch_sub(1, std::memory_order_acq_rel) == 1;
    // Waking for each acknowledgement would cost more than the window gains.
    if (wants_room.exchange(false, std::memory_order_acq_rel) || !answer.taken || last) ring();
  }
  void telemetry_done(bool taken) {
    const auto before = telemetry_in_flight.fetch_sub(1, std::memory_order_acq_rel);
    if (!taken || before == kTelemetryWindow) ring();
  }
  // Refused, or nobody knows: it is sent again, and the mixer knows what it has by its sequences.
  void telemetry_failed(lane::TelemetryBlock block) {
    {
      const std::lock_guard lock(mutex);
      telemetry_again.push_back(std::move(block));
    }
    telemetry_refused.store(true, std::memory_order_release);
  }
  [[nodiscard]] std::optional<lane::TelemetryBlock> take_failed_telemetry() {
    const std::lock_guard lock(mutex);
    if (telemetry_again.empty()) return std::nullopt;
    auto block = std::move(telemetry_again.front());
    telemetry_again.pop_front();
    return block;
  }
  [[nodiscard]] bool telemetry_waits() {
    const std::lock_guard lock(mutex);
    return !telemetry_again.empty();
  }
  void take(ByteView bytes) {
    auto receipt = model::decode_receipt(bytes);
    if (!receipt) return;
    {
      const std::lock_guard lock(mutex);
      if (waiting.size() >= kMaxReceipts) waiting.erase(waiting.begin());
      waiting.push_back(*std::move(receipt));
    }
    ring();
  }
  [[nodiscard]] std::vector<Answer> take_answers() {
    const std::lock_guard lock(mutex);
    return std::exchange(answers, {});
  }
  [[nodiscard]] std::vector<model::Receipt> receipts() {
    const std::lock_guard lock(mutex);
    return std::exchange(waiting, {});
  }
  void ring() {
    news.store(true, std::memory_order_release);
    const std::lock_guard lock(mutex);
    wake();
  }
};

}  // namespace fluxrig::rack
