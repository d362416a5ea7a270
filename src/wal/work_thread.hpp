// A thread for the writer's slow work. Asleep, without a wake-up, while it has none. Made, used and destroyed
// by one thread.
#pragma once

#include <atomic>
#include <thread>

#include "wal/background.hpp"

namespace fluxrig::wal {

class WorkThread final : public Background {
 public:
  // `ended` is called on this thread after each piece of work, when done() says so.
  explicit WorkThread(std::function<void()> ended);
  // Waits for the work that is under way.
  ~WorkThread() override;

  void start(Work work) override;
  // The acquire load pairs with the release store at the end of the work.
  [[nodiscard]] bool done() const noexcept override {
    return state_.load(std::memory_order_acquire) == State::kDone;
  }
  [[nodiscard]] Result<void> take() override;

 private:
  enum class State : int { kIdle, kStarted, kDone };
  void run();

  std::function<void()> ended_;
  // The owner moves it from kIdle to kStarted and from kDone to kIdle, the thread from kStarted to kDone;
  // what a side wrote before belongs to the other from then on (release, acquire).
  std::atomic<State> state_{State::kIdle};
  Work work_;  // empty: the thread ends
  Result<void> outcome_;
  std::thread thread_;
};

}  // namespace fluxrig::wal
