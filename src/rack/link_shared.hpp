// What the link's subscriptions share with it; it outlives both. Only link*.cpp include this. Any thread.
#pragma once

#include <deque>

#include "rack/link.hpp"

namespace fluxrig::rack {

struct Link::Shared {
  static constexpr std::size_t kMaxReceipts = 1024;
  static constexpr std::size_t kMaxLeases = 16;

  std::mutex mutex;  // guards all but news
  std::function<void()> wake;
  std::vector<model::Receipt> receipts;
  std::vector<model::PressureLease> leases;
  std::atomic<bool> news{false};  // set by every ring, taken back by the next turn

  void take_receipt(ByteView bytes) {
    if (auto receipt = model::decode_receipt(bytes)) push(receipts, *std::move(receipt), kMaxReceipts);
  }
  void take_lease(ByteView bytes) {
    if (auto lease = model::decode_pressure_lease(bytes)) push(leases, *lease, kMaxLeases);
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
  // A later one says all that an earlier one did, so the oldest may go.
  template <class T>
  void push(std::vector<T>& list, T value, std::size_t most) {
    {
      const std::lock_guard lock(mutex);
      if (list.size() >= most) list.erase(list.begin());
      list.push_back(std::move(value));
    }
    ring();
  }
};

}  // namespace fluxrig::rack
