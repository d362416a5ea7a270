#include "gear/worker.hpp"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace fluxrig::gear {
namespace {

class ThreadWorker final : public Worker {
 public:
  ThreadWorker(Job& job, const char* name) : job_(job), thread_([this] { run(); }) {
    ::pthread_setname_np(thread_.native_handle(), name);
  }
  ~ThreadWorker() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }
  void wake() noexcept override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      woken_ = false;
      lock.unlock();
      const auto rest = job_.turn();
      lock.lock();
      const auto called = [this] { return woken_ || stopping_; };
      if (rest)
        (void)changed_.wait_for(lock, *rest, called);
      else
        changed_.wait(lock, called);
    }
  }

  Job& job_;
  std::mutex mutex_;  // guards what is below it
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<Worker> employ_thread(Job& job, const char* name) {
  return std::make_unique<ThreadWorker>(job, name);
}

}  // namespace fluxrig::gear
