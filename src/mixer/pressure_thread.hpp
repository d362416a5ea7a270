// Turns the pressure desk four times a second, and at once when a rack comes. Owns one thread;
// the destructor stops and joins it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "mixer/pressure_desk.hpp"

namespace fluxrig::mixer {

class PressureThread {
 public:
  static constexpr std::chrono::milliseconds kTurnEvery{250};

  PressureThread(PressureDesk::Parts parts, PressureDesk::Options options);
  ~PressureThread();
  PressureThread(const PressureThread&) = delete;
  PressureThread& operator=(const PressureThread&) = delete;

  void greet(const MachineId& machine);                                         // any thread
  [[nodiscard]] PressureStanding standing() const { return desk_.standing(); }  // any thread

 private:
  void run();

  PressureDesk desk_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  bool greeted_ = false;
  std::thread thread_;
};

}  // namespace fluxrig::mixer
