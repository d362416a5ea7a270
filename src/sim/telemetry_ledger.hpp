// P2: what the pump produced, what the queue counted, what the bus was given, what a disk kept over a death,
// what the racks state of it in P1, and what the store holds; per epoch of a rack. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <tuple>

#include "lane/drops.hpp"
#include "model/telemetry_ledger.hpp"
#include "sim/oracle.hpp"

namespace fluxrig::sim {

class TelemetryLedger {
 public:
  explicit TelemetryLedger(Oracle& oracle) : oracle_(oracle) {}

  struct Counts {                // of one process
    std::uint64_t produced = 0;  // by the pump, what never fitted into the ring included
    std::uint64_t accepted = 0;  // by the queue
    bool ended = false;          // the process died: what it held in memory is gone
    const lane::DropCounters* drops = nullptr;
  };
  void handed(const model::BlockHead& head, bool at_once_failed);  // to the bus
  void told(const model::BlockHead& head, bool good);              // the publisher
  // The server lost the message, or never had it although it said so.
  void lost(const model::BlockHead& head);
  // Of records that the store has just got.
  void stated(const MachineId& machine, Epoch epoch, const model::LedgerStatement& statement);
  void stated(const MachineId& machine, const model::LostTelemetry& lost);

  // A batch in a rack's backlog.
  struct Kept {
    Epoch epoch;
    Sequence first;
    Sequence last;
    friend auto operator<=>(const Kept&, const Kept&) = default;
  };
  struct Survival {
    bool power_lost = false;  // so what is there is durable; otherwise power may still take it
    bool was_full = false;    // the disk, meanwhile: what was evicted may not have been written down
  };
  // What a rack's disk holds after a death: from now on each is stored, or named as lost.
  void survived(const MachineId& machine, std::span<const Kept> on_disk, const Survival& survival);

  // At a process's end, and at the end of a run.
  void check(const MachineId& machine, Epoch epoch, const Counts& counts);
  // Everything has drained, and every rack that lives has stated the last of its epoch.
  enum class Statements : std::uint8_t {
    kComplete,
    kSomeLost,  // records of P1 were let go and declared lost, and what they stated with them
  };
  void check_end(Statements statements);

  [[nodiscard]] std::uint64_t named_count() const noexcept { return named_count_; }
  [[nodiscard]] std::uint64_t survivors() const noexcept { return survivors_; }
  // Batches that went to the bus more than once, each time more.
  [[nodiscard]] std::uint64_t again_count() const noexcept { return again_count_; }

 private:
  enum class Told : std::uint8_t { kNothing, kGood, kFailed };
  struct Message {
    std::uint32_t count = 0;
    Told told = Told::kNothing;
    bool lost = false;
  };
  struct Survivor {
    Sequence last;
    bool durable = false;
    bool excused = false;
  };
  using Place = std::tuple<MachineId, Epoch, Sequence>;
  using Stated = std::map<std::tuple<MachineId, Epoch, model::Hour, model::Signal>, model::LedgerStatement>;

  void check_message(const Place& key, const Message& message);
  void check_named(const Place& key, const model::LostTelemetry& lost);
  void check_survivor(const Place& key, const Survivor& survivor);
  void check_live(const MachineId& machine, Epoch epoch, const Counts& counts);
  void check_statements(const MachineId& machine, Epoch epoch, const Counts& counts);
  [[nodiscard]] std::uint64_t stored(const Place& first, Sequence last) const;
  // Stored, named as lost, or the server's to answer for.
  [[nodiscard]] bool accounted(const MachineId& machine, Epoch epoch, Sequence sequence) const;
  [[nodiscard]] bool excused_by_server(const Place& place) const;
  [[nodiscard]] bool named(const Place& place) const;
  [[nodiscard]] static std::string where(const MachineId& machine, Epoch epoch);

  Oracle& oracle_;
  std::map<std::pair<MachineId, Epoch>, std::uint64_t> handed_;    // to the bus, in records, each once
  std::map<std::pair<MachineId, Epoch>, std::uint64_t> accepted_;  // of processes that were checked
  std::map<std::pair<MachineId, Epoch>, Counts> live_;             // at the end of the run
  std::map<Place, Message> messages_;
  std::map<Place, model::LostTelemetry> lost_;  // as stated last
  std::map<Place, Survivor> kept_;
  Stated statements_;
  std::uint64_t named_count_ = 0;
  std::uint64_t survivors_ = 0;
  std::uint64_t again_count_ = 0;
};

}  // namespace fluxrig::sim
