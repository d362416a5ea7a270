// Breaks things, as the plan's weights say, until the calm. One thread.
#pragma once

#include <memory>
#include <vector>

#include "sim/mixer_actor.hpp"
#include "sim/rack_actor.hpp"

namespace fluxrig::sim {

class FaultInjector {
 public:
  using Racks = std::vector<std::unique_ptr<RackActor>>;
  FaultInjector(World& world, MessageServer& server, SimulatedSink& sink, MixerActor& mixer, Racks& racks);

  // Everything works from now on.
  void calm();
  [[nodiscard]] std::uint64_t faults() const noexcept { return faults_; }

 private:
  void inject();
  void apply(Fault fault);
  [[nodiscard]] Fault choose();
  [[nodiscard]] RackActor& some_rack();
  void kill_rack(Death death);
  void break_disk(RackActor& rack);
  void fill_disk(RackActor& rack);
  void partition();
  void divert(RackActor& rack);
  void disturb(RackActor& rack, std::int64_t from, std::int64_t until);
  void restart_server();
  void look_at_connections();

  World& world_;
  MessageServer& server_;
  SimulatedSink& sink_;
  MixerActor& mixer_;
  Racks& racks_;
  std::uint64_t faults_ = 0;
};

}  // namespace fluxrig::sim
