// Sends operators' commands to racks and waits for their answers (docs/formats/control.md). Any thread,
// except the bus's own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "model/control.hpp"
#include "snake/bus.hpp"

namespace fluxrig::mixer {

class RackCommands {
 public:
  // `bus` and `clock` outlive it.
  [[nodiscard]] static Outcome<std::unique_ptr<RackCommands>> start(snake::Bus& bus, const Clock& clock);
  RackCommands(const RackCommands&) = delete;
  RackCommands& operator=(const RackCommands&) = delete;

  // Gives the command its id and time, and blocks up to `patience` for the rack's answer. kTimeout: none
  // came, and whether the command was done is not known. kUnavailable: it was not sent.
  [[nodiscard]] Result<model::ControlAnswer> send(const MachineId& machine, model::ControlCommand& command,
                                                  std::chrono::milliseconds patience);

 private:
  RackCommands(snake::Bus& bus, const Clock& clock)
      : bus_(bus), clock_(clock), random_(SeededRandom::from_system()) {}
  void answered(const snake::Delivery& delivery);

  struct Waiting {
    MachineId machine;
    std::optional<model::ControlAnswer> answer;
  };
  snake::Bus& bus_;
  const Clock& clock_;
  std::mutex mutex_;
  SeededRandom random_;
  std::condition_variable arrived_;
  std::map<model::ControlId, Waiting> waiting_;        // one for each caller of send()
  std::unique_ptr<snake::Subscription> subscription_;  // last: ends before what its handler touches
};

}  // namespace fluxrig::mixer
