#include "otlp/export_queue.hpp"

#include <utility>

namespace fluxrig::otlp {

void ExportQueue::offer(ExportRequest request) {
  const auto size = request.body.size();
  std::deque<ExportRequest> evicted;  // their memory is given back outside the lock
  {
    const std::lock_guard lock(mutex_);
    ExportCounters::add(counters_.offered, request.items);
    // What is on its way cannot make room.
    if (size > kMaxRequestBytes || size + taken_bytes_ > max_bytes_) {
      counters_.drop(
          size > kMaxRequestBytes || size > max_bytes_ ? ExportDrop::kOversize : ExportDrop::kQueueFull,
          request.items);
      return;
    }
    while (waiting_bytes_ + taken_bytes_ + size > max_bytes_) {
      waiting_bytes_ -= waiting_.front().body.size();
      counters_.drop(ExportDrop::kQueueFull, waiting_.front().items);
      evicted.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    waiting_bytes_ += size;
    waiting_.push_back(std::move(request));
  }
}

std::optional<ExportRequest> ExportQueue::take() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  std::optional<ExportRequest> request(std::move(waiting_.front()));
  waiting_.pop_front();
  waiting_bytes_ -= request->body.size();
  taken_bytes_ += request->body.size();
  return request;
}

void ExportQueue::release() {
  const std::lock_guard lock(mutex_);
  taken_bytes_ = 0;
}

void ExportQueue::drop_all(ExportDrop cause) {
  std::deque<ExportRequest> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(waiting_);
  waiting_bytes_ = 0;
  for (const auto& request : dropped) counters_.drop(cause, request.items);
}

bool ExportQueue::empty() const {
  const std::lock_guard lock(mutex_);
  return waiting_.empty();
}

std::size_t ExportQueue::bytes() const {
  const std::lock_guard lock(mutex_);
  return waiting_bytes_ + taken_bytes_;
}

double ExportQueue::saturation() const {
  return static_cast<double>(bytes()) / static_cast<double>(max_bytes_ == 0 ? 1 : max_bytes_);
}

}  // namespace fluxrig::otlp
