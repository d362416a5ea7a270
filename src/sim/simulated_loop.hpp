// The io loop of a simulated process: the real io_context, polled by the schedule; its timers and its workers
// are events of the schedule. simulated_loop.cpp stands in for gear/net/alarm.cpp, the only file below the
// runtime that asks the machine for the time. One thread; the world outlives it, gears and runtime do not.
#pragma once

#include <functional>
#include <memory>

#include "gear/worker.hpp"
#include "sim/world.hpp"

namespace boost::asio {
class io_context;
}

namespace fluxrig::sim {

class SimulatedLoop {
 public:
  // `worked` is called after everything that the loop did, last in its event.
  SimulatedLoop(World& world, std::function<void()> worked);
  ~SimulatedLoop();

  [[nodiscard]] boost::asio::io_context& io() noexcept;
  // Something may have been posted: it runs soon.
  void poke();
  // Its turns are events. Given to rack::Runtime.
  [[nodiscard]] std::unique_ptr<gear::Worker> employ(gear::Job& job);

 private:
  struct Io;

  World& world_;
  std::function<void()> worked_;
  bool poked_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // events outlive the process
  std::unique_ptr<Io> io_;
};

}  // namespace fluxrig::sim
