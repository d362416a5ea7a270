// Work that waits for the disk, and so must not run on the io thread: a job that is called in turns, and who
// calls it. A gear asks Services::employ for a worker; in a rack that is a thread of its own, in the
// simulator an event.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

namespace fluxrig::gear {

// Owned by whoever employs it; outlives its worker.
class Job {
 public:
  virtual ~Job() = default;
  // Does what there is to do now, on the worker's thread. Returns how long to rest then, unless woken;
  // nullopt: until woken.
  [[nodiscard]] virtual std::optional<std::chrono::nanoseconds> turn() = 0;
};

// Calls a job's turn: once at its beginning, and whenever it was woken or has rested.
class Worker {
 public:
  Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // No turn runs afterwards.
  virtual ~Worker() = default;
  // Any thread: what was published before is seen by a turn that begins soon.
  virtual void wake() noexcept = 0;
};

// A thread with that name (a literal of at most 15 characters), started at once.
[[nodiscard]] std::unique_ptr<Worker> employ_thread(Job& job, const char* name);

}  // namespace fluxrig::gear
