#include "gear/bus/mailbox.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace fluxrig::gear::bus {

void Mailbox::put(Task task) {
  const std::lock_guard lock(mutex_);
  put_locked(std::move(task));
}

bool Mailbox::offer(Task task) {
  const std::lock_guard lock(mutex_);
  if (tasks_.size() >= kMaxDeliveries) return false;
  put_locked(std::move(task));
  return true;
}

void Mailbox::put_locked(Task task) {
  if (closed_) return;
  tasks_.push_back(std::move(task));
  if (posted_) return;
  posted_ = true;
  // Under the lock: `io_` is the gear's, and outlives it only until the box is closed.
  boost::asio::post(io_, [self = shared_from_this()] { self->drain(); });
}

void Mailbox::drain() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    posted_ = false;
    tasks.swap(tasks_);
  }
  for (auto& task : tasks) {
    if (!running_) return;  // a task before it stopped the gear
    task();
  }
}

void Mailbox::close() {
  running_ = false;
  std::vector<Task> dropped;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(tasks_);
}

}  // namespace fluxrig::gear::bus
