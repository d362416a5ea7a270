#include "sim/schedule.hpp"

#include <algorithm>
#include <tuple>

namespace fluxrig::sim {

bool Schedule::later(const Entry& a, const Entry& b) noexcept {
  return std::tie(a.time, a.tie, a.number) > std::tie(b.time, b.tie, b.number);
}

void Schedule::at(std::int64_t time, Action action) {
  heap_.push_back(
      {std::max(time, now()), static_cast<std::uint32_t>(random_.next()), ++made_, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

bool Schedule::run_one() {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const Entry entry = std::move(heap_.back());
  heap_.pop_back();
  clock_.advance(entry.time - now());
  entry.action();
  return true;
}

}  // namespace fluxrig::sim
