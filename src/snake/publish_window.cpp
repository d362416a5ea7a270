#include "snake/publish_window.hpp"

#include "base/assert.hpp"

namespace fluxrig::snake {

namespace {
void count(PublishWindow::Counter* counter, std::size_t number) noexcept {
  if (counter != nullptr) counter->fetch_add(number, std::memory_order_relaxed);
}
}  // namespace

PublishWindow::PublishWindow(Limits limits) : limits_(limits) {
  FR_ASSERT(limits.messages > 0 && limits.messages < kNone);
}

Result<PublishWindow::Opened> PublishWindow::open(std::size_t bytes, PublishDone done, MonotonicNanos now) {
  FR_ASSERT(done != nullptr);
  const std::lock_guard lock(mutex_);
  if (size_ >= limits_.messages || (size_ > 0 && bytes_ + bytes > limits_.bytes))
    return fail(ErrorCode::kFull, "the window of unacknowledged publishes is full");
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[index];
  slot.done = std::move(done);
  slot.bytes = bytes;
  slot.deadline = {now.value + limits_.timeout_nanos};
  ++slot.generation;
  slot.previous = tail_;
  slot.next = kNone;
  (tail_ == kNone ? head_ : slots_[tail_].next) = index;
  tail_ = index;
  bytes_ += bytes;
  ++size_;
  return Opened{(Ticket{slot.generation} << 32) | index, size_ == 1};
}

PublishWindow::Slot* PublishWindow::find(Ticket ticket) {
  const auto index = static_cast<std::uint32_t>(ticket);
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.done && slot.generation == static_cast<std::uint32_t>(ticket >> 32) ? &slot : nullptr;
}

PublishDone PublishWindow::take(std::uint32_t index) {
  Slot& slot = slots_[index];
  (slot.previous == kNone ? head_ : slots_[slot.previous].next) = slot.next;
  (slot.next == kNone ? tail_ : slots_[slot.next].previous) = slot.previous;
  bytes_ -= slot.bytes;
  --size_;
  free_.push_back(index);
  slot.subject.clear();
  PublishDone done = std::move(slot.done);
  slot.done = nullptr;
  return done;
}

void PublishWindow::set_subject(Ticket ticket, std::string subject) {
  const std::lock_guard lock(mutex_);
  if (Slot* slot = find(ticket)) slot->subject = std::move(subject);
}

bool PublishWindow::cancel(Ticket ticket) {
  PublishDone dropped;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  if (find(ticket) == nullptr) return false;
  dropped = take(static_cast<std::uint32_t>(ticket));
  return true;
}

bool PublishWindow::complete(Ticket ticket, const Result<PublishReceipt>& result, Counter* counter) {
  PublishDone done;
  {
    const std::lock_guard lock(mutex_);
    if (find(ticket) == nullptr) return false;
    done = take(static_cast<std::uint32_t>(ticket));
  }
  count(counter, 1);
  done(result);
  return true;
}

std::size_t PublishWindow::expire(MonotonicNanos now, Counter* counter) {
  std::vector<PublishDone> late;
  {
    const std::lock_guard lock(mutex_);
    while (head_ != kNone && slots_[head_].deadline <= now) late.push_back(take(head_));
  }
  count(counter, late.size());
  for (const auto& done : late) done(fail(ErrorCode::kTimeout, "the stream did not acknowledge in time"));
  return late.size();
}

std::size_t PublishWindow::fail_subject(std::string_view subject, Error error, Counter* counter) {
  std::vector<PublishDone> failed;
  {
    const std::lock_guard lock(mutex_);
    for (std::uint32_t index = head_; index != kNone;) {
      const std::uint32_t next = slots_[index].next;
      if (slots_[index].subject == subject) failed.push_back(take(index));
      index = next;
    }
  }
  count(counter, failed.size());
  for (const auto& done : failed) done(tl::unexpected<Error>(error));
  return failed.size();
}

std::size_t PublishWindow::fail_all(Error error, Counter* counter) {
  std::vector<PublishDone> failed;
  {
    const std::lock_guard lock(mutex_);
    failed.reserve(size_);
    while (head_ != kNone) failed.push_back(take(head_));
  }
  count(counter, failed.size());
  for (const auto& done : failed) done(tl::unexpected<Error>(error));
  return failed.size();
}

std::optional<MonotonicNanos> PublishWindow::next_deadline() const {
  const std::lock_guard lock(mutex_);
  if (head_ == kNone) return std::nullopt;
  return slots_[head_].deadline;
}

std::size_t PublishWindow::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

}  // namespace fluxrig::snake
