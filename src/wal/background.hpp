// The seam between the writer and a thread that does slow work of the disk beside it: WorkThread is the real
// one, tests bring their own; without any the writer does all by itself. One piece of work at a time; start,
// done and take from one thread (the writer's).
#pragma once

#include <functional>

#include "base/result.hpp"

namespace fluxrig::wal {

class Background {
 public:
  using Work = std::function<Result<void>()>;

  Background() = default;
  virtual ~Background() = default;
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Only when none is under way. What `work` uses outlives it.
  virtual void start(Work work) = 0;
  // Of the one that was started: take() would not wait.
  [[nodiscard]] virtual bool done() const noexcept = 0;
  // Waits for its end and gives its outcome; afterwards none is under way.
  [[nodiscard]] virtual Result<void> take() = 0;
};

}  // namespace fluxrig::wal
