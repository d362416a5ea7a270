// What the link's subscriptions share with it; it outlives both. Only link*.cpp include this. Any thread.
#pragma once

#include <optional>

#include "rack/link.hpp"

namespace fluxrig::rack {

struct Link::Shared {
  static constexpr std::size_t kMaxReceipts = 1024;
  static constexpr std::size_t kMaxLeases = 16;

  struct ArrivedLease {
    model::PressureLease lease;
    MonotonicNanos at;
  };

  explicit Shared(const Clock& clock_of_link) : clock(clock_of_link) {}

  const Clock& clock;  // outlives the bus
  std::mutex mutex;    // guards all but news
  std::function<void()> wake;
  std::vector<model::Receipt> receipts;
  std::vector<ArrivedLease> leases;
  std::optional<model::PressureLease> latest;
  std::atomic<bool> news{false};  // set by every ring, taken back by the next turn

  void take_receipt(ByteView bytes) {
    auto receipt = model::decode_receipt(bytes);
    if (!receipt) return;
    push(receipts, *std::move(receipt), kMaxReceipts);
    ring();
  }
  // One that says what the last one said wakes nobody: an idle rack has one every two seconds. The link reads
  // it in its next turn, which comes at the latest when the one before it would end (Link::next_due).
  void take_lease(ByteView bytes) {
    const auto lease = model::decode_pressure_lease(bytes);
    if (!lease) return;
    push(leases, {*lease, clock.monotonic()}, kMaxLeases);
    news.store(true, std::memory_order_release);
    const std::lock_guard lock(mutex);
    const bool new_words = !latest || !says_the_same(*latest, *lease);
    latest = *lease;
    if (new_words) wake();
  }
  template <class T>
  [[nodiscard]] std::vector<T> empty(std::vector<T>& list) {
    const std::lock_guard lock(mutex);
    return std::exchange(list, {});
  }
  void ring() {
    news.store(true, std::memory_order_release);
    const std::lock_guard lock(mutex);
    wake();
  }

 private:
  static bool says_the_same(const model::PressureLease& one, model::PressureLease other) {
    other.sequence = one.sequence;
    return one == other;
  }
  // A later one says all that an earlier one did, so the oldest may go.
  template <class T>
  void push(std::vector<T>& list, T value, std::size_t most) {
    const std::lock_guard lock(mutex);
    if (list.size() >= most) list.erase(list.begin());
    list.push_back(std::move(value));
  }
};

}  // namespace fluxrig::rack
