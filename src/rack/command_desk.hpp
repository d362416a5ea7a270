// An operator's commands as they reach the rack: taken off the bus, recorded in the audit lane, done,
// answered (docs/formats/control.md). A command that cannot be recorded is not done. One thread (the link's),
// except `arrived`, which the bus calls.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "model/control.hpp"
#include "model/records.hpp"
#include "pressure/state_machine.hpp"
#include "snake/bus.hpp"

namespace fluxrig::rack {

class CommandDesk {
 public:
  static constexpr std::size_t kMaxWaiting = 16;     // what comes beyond them is not heard, nor answered
  static constexpr std::size_t kRememberedIds = 64;  // a command that comes again is answered again, not done

  struct Parts {
    snake::Bus& bus;
    const Clock& clock;
    Diagnostics& diagnostics;
    MachineId machine_id;
    // nullopt: let go. Returns the state that the rack is in now. On the link's thread.
    std::function<model::PressureState(std::optional<pressure::Forced>)> force;
    std::function<bool(model::Log)> record;  // into the audit lane; false: it takes no more
    std::function<void()> wake;              // any thread: call `turn` soon
    // Debug diagnostics for so many milliseconds, 0: off. On the link's thread. Empty: this rack has no way.
    std::function<Outcome<void>(std::uint64_t)> debug = {};
  };
  explicit CommandDesk(Parts parts) : parts_(std::move(parts)) {}
  CommandDesk(const CommandDesk&) = delete;
  CommandDesk& operator=(const CommandDesk&) = delete;

  // Subscribes when that is not done yet and the bus is connected; then does what has come.
  void turn();
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] std::uint64_t done() const noexcept { return done_; }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  void arrived(snake::Delivery delivery);
  void take(ByteView payload);
  [[nodiscard]] model::ControlAnswer act(const model::ControlCommand& command);
  [[nodiscard]] std::string fault_of(const model::ControlCommand& command) const;
  [[nodiscard]] std::string carry_out(const model::ControlCommand& command, model::ControlTexts& results);
  void refuse(const model::ControlCommand& command, const model::ControlAnswer& answer);
  [[nodiscard]] bool record(const model::ControlCommand& command, std::string_view error);
  [[nodiscard]] const model::ControlAnswer* answered(const model::ControlId& id) const;
  void send(const model::ControlAnswer& answer);

  Parts parts_;
  std::uint64_t done_ = 0;
  std::uint64_t refused_ = 0;
  std::deque<model::ControlAnswer> answers_;  // the last kRememberedIds
  mutable std::mutex mutex_;
  std::deque<Bytes> waiting_;
  std::unique_ptr<snake::Subscription> subscription_;  // last: ends before what its handler touches
};

}  // namespace fluxrig::rack
