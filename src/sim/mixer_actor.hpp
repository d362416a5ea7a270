// The mixer: ingest over the simulated bus and store, and the pressure desk with its leases, in a process
// that may die at any operation and is started again. The loops around them are what IngestThread and
// PressureThread do, in events. One thread.
#pragma once

#include <memory>
#include <optional>
#include <set>

#include "mixer/ingest.hpp"
#include "mixer/pressure_desk.hpp"
#include "sim/actor_clock.hpp"
#include "sim/simulated_bus.hpp"
#include "sim/simulated_sink.hpp"

namespace fluxrig::sim {

class MixerActor {
 public:
  MixerActor(World& world, MessageServer& server, SimulatedSink& sink, mixer::RackIndex::Names racks);

  void start();
  void kill();
  // Dies at the operation after so many more: a publish, an acknowledgement, a pull, the begin or the end of
  // a commit.
  void kill_after(std::uint64_t operations);
  void set_partitioned(bool partitioned);
  // The server or the partition has changed.
  void look_at_connection();
  // A rack's request; nullopt: nobody answers.
  [[nodiscard]] std::optional<Bytes> answer(std::string_view subject, ByteView payload);
  // Nothing is in its hands.
  [[nodiscard]] bool idle() const noexcept { return process_ != nullptr && process_->ingest.empty(); }
  [[nodiscard]] std::uint64_t deaths() const noexcept { return deaths_; }
  [[nodiscard]] std::uint64_t leases() const noexcept { return leases_; }  // sent, by all of its processes

 private:
  struct Process {
    Process(World& world, MessageServer& server, SimulatedSink& sink, const mixer::RackIndex& racks);
    ActorClock clock;
    Diagnostics diagnostics;
    SimulatedBus bus;
    mixer::IngestCounters counters;
    mixer::SinkWatch watch;
    mixer::Presence presence;
    mixer::Ingest ingest;
    mixer::PressureDesk desk;
    std::unique_ptr<snake::Subscription> heartbeats;
    std::int64_t batch_began = 0;
    std::int64_t backoff = 0;
    std::set<MachineId> receipt_requests;
  };
  static constexpr std::int64_t kOldest = 200 * kNanosPerMilli;  // mixer::IngestPace
  static constexpr std::int64_t kFirstBackoff = 200 * kNanosPerMilli;
  static constexpr std::int64_t kLongestBackoff = 10 * kNanosPerSecond;
  static constexpr std::int64_t kIdleLook = 500 * kNanosPerMilli;
  static constexpr std::int64_t kDeskEvery = 250 * kNanosPerMilli;  // mixer::PressureThread

  void turn_after(std::int64_t delay);
  void turn();
  void desk_after(std::int64_t delay);
  void hear(const snake::Delivery& heartbeat);
  void die();
  [[nodiscard]] std::size_t pull();

  World& world_;
  MessageServer& server_;
  SimulatedSink& sink_;
  mixer::RackIndex racks_;
  std::unique_ptr<Process> process_;
  std::uint64_t incarnation_ = 0;
  std::uint64_t turns_ = 0;  // only the latest turn that was asked for runs
  std::int64_t turn_at_ = 0;
  bool partitioned_ = false;
  std::uint64_t deaths_ = 0;
  std::uint64_t leases_ = 0;
};

}  // namespace fluxrig::sim
