// From the bus's threads to the io thread: what arrives together is handed over by one posted handler. Held
// by shared_ptr: the bus's callbacks and the posted handler outlive the gear.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace fluxrig::gear::bus {

class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  using Task = std::function<void()>;
  // Deliveries only: the stream's limit of unacknowledged ones is far below.
  static constexpr std::size_t kMaxDeliveries = 8192;

  explicit Mailbox(boost::asio::io_context& io) : io_(io) {}

  // Any thread. `task` runs on the io thread, unless the box is closed before.
  void put(Task task);
  // False when the box is full and the task was dropped.
  [[nodiscard]] bool offer(Task task);
  // On the io thread: no task runs afterwards.
  void close();

 private:
  void put_locked(Task task);  // with mutex_ held
  void drain();

  boost::asio::io_context& io_;
  std::mutex mutex_;
  std::vector<Task> tasks_;  // guarded by mutex_, as are the two below
  bool posted_ = false;
  bool closed_ = false;
  bool running_ = true;  // io thread only
};

}  // namespace fluxrig::gear::bus
