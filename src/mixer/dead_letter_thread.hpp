// Runs the collector of dead letters on a thread of its own. The destructor joins, within one collect.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/diagnostics.hpp"
#include "snake/dead_letters.hpp"

namespace fluxrig::mixer {

class DeadLetterThread {
 public:
  // The streams exist already. `bus` and `diagnostics` outlive it.
  [[nodiscard]] static Outcome<std::unique_ptr<DeadLetterThread>> start(snake::NatsBus& bus,
                                                                        Diagnostics& diagnostics);
  explicit DeadLetterThread(std::unique_ptr<snake::DeadLetterCollector> collector);
  ~DeadLetterThread();
  DeadLetterThread(const DeadLetterThread&) = delete;
  DeadLetterThread& operator=(const DeadLetterThread&) = delete;

 private:
  void run();

  std::unique_ptr<snake::DeadLetterCollector> collector_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace fluxrig::mixer
