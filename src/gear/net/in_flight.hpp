// What one connection has in flight, found by the number it was given, in order of arrival. Finishing out of
// order is allowed; room comes back when the oldest is done, which bounds memory. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

namespace fluxrig::gear::net {

template <typename T>
class InFlight {
 public:
  // The number of the new entry.
  std::uint32_t push(T value) {
    entries_.push_back({std::move(value), false});
    return first_ + static_cast<std::uint32_t>(entries_.size()) - 1;
  }
  // Null when unknown or finished.
  [[nodiscard]] T* find(std::uint32_t number) noexcept {
    const auto index = static_cast<std::uint32_t>(number - first_);  // wraps on purpose
    if (index >= entries_.size() || entries_[index].finished) return nullptr;
    return &entries_[index].value;
  }
  void finish(std::uint32_t number) {
    const auto index = static_cast<std::uint32_t>(number - first_);
    if (index >= entries_.size()) return;
    entries_[index].finished = true;
    while (!entries_.empty() && entries_.front().finished) pop();
  }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] T& front() noexcept { return entries_.front().value; }
  void pop() {
    entries_.pop_front();
    ++first_;
  }
  // Each that is not finished.
  template <typename Visit>
  void for_each(Visit visit) {
    for (auto& entry : entries_)
      if (!entry.finished) visit(entry.value);
  }

 private:
  struct Entry {
    T value;
    bool finished;
  };
  std::deque<Entry> entries_;
  std::uint32_t first_ = 0;
};

}  // namespace fluxrig::gear::net
