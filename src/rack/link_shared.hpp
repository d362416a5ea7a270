// What the bus's callbacks share with the link; it outlives both. Only link*.cpp include this. Any thread.
#pragma once

#include "rack/link.hpp"

namespace fluxrig::rack {

struct Link::Shared {
  static constexpr std::size_t kMaxReceipts = 1024;

  struct Answer {
    bool live = false;   // of the live stretch, else of the backlog
    bool taken = false;  // the stream has it
  };

  std::mutex mutex;  // guards wake, waiting and answers
  std::function<void()> wake;
  std::vector<model::Receipt> waiting;
  std::vector<Answer> answers;  // bounded by the windows
  // Counted up by the link before a publish, down by its callback.
  std::atomic<std::size_t> audit_in_flight{0};
  std::atomic<std::size_t> telemetry_in_flight{0};
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
  void telemetry_done() {
    if (telemetry_in_flight.fetch_sub(1, std::memory_order_acq_rel) == kTelemetryWindow) ring();
  }
  // `drops` lives as long as the rack, which outlives its bus.
  static void count_lost_telemetry(lane::DropCounters& drops, std::uint32_t records) {
    drops.add(lane::DropCause::kPublishFailed, records);
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
