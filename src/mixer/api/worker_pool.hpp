// A few threads for queries, so that a slow one never holds the socket thread, and a bounded queue before
// them. Any thread. The destructor runs what is queued and joins.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fluxrig::mixer {

class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t queue_limit);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False: the queue is full, or the pool ends.
  [[nodiscard]] bool submit(std::function<void()> job);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  std::size_t queue_limit_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fluxrig::mixer
