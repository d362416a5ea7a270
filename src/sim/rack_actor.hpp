// A rack: transactions through gears, runtime, ring, pump, audit lane, WAL on a simulated disk, and link, in
// a process that may die at any operation of its disk or its bus and is started again. The loops around the
// pump and the link are what PumpThread and LinkThread do, in events. One thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/bit_rot.hpp"
#include "sim/rack_process.hpp"
#include "sink/audit.hpp"
#include "wal/chain_verifier.hpp"
#include "wal/memory_disk.hpp"

namespace fluxrig::sim {

enum class Death : std::uint8_t { kKill, kPowerLoss };

class RackActor {
 public:
  RackActor(World& world, MessageServer& server, std::size_t number, SimulatedBus::Answer mixer);

  void start();
  // At once; or at the operation after so many more of the disk, or of the bus.
  void die_now(Death death);
  void die_at_disk(Death death, std::uint64_t operations);
  void die_at_bus(Death death, std::uint64_t operations);

  [[nodiscard]] wal::MemoryDisk& disk() noexcept { return disk_; }
  // For a while: until set_capacity().
  void fill_disk(std::uint64_t left);
  void set_partitioned(bool partitioned);
  void look_at_connection();
  void jump_clock(std::int64_t nanos);
  // An operator's will: DIVERT for so long, and then REPLAY for so many times that; over restarts too.
  void divert(std::int64_t nanos, std::uint32_t replay_stretch);

  // One bit of its disk.
  void rot();

  // Faults of the disk and planned deaths are over.
  void calm();
  // Nothing is left to be stored or sent.
  [[nodiscard]] bool settled();
  [[nodiscard]] std::string state();  // why not
  // Of what it left on the disk.
  void check_disk();
  // A place in the chain that nobody was promised, and that recovery has named.
  [[nodiscard]] bool excused(Epoch epoch, Sequence sequence) const;
  [[nodiscard]] bool excused(const sink::AuditAlarm& alarm) const;
  void check_telemetry();
  // Nothing more is produced, and P1 gets the last word on what was; false: it has more to say.
  [[nodiscard]] bool state_the_last();
  // What the bits took is named: by recovery, by the chain itself, by `verify`, or by the mixer.
  void check_rots(const sink::AuditState& mixer);
  // Into the ledger of losses.
  void read_losses();

  [[nodiscard]] const MachineId& machine_id() const noexcept { return machine_id_; }
  [[nodiscard]] const char* actor() const noexcept { return actor_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t deaths() const noexcept { return deaths_; }

 private:
  void generate();
  void worked();
  void pump_after(std::int64_t delay);
  void pump_turn();
  void finish_interval();
  void note_blocked(bool blocked);
  void sync_unawaited();
  void publish_durable();
  void link_after(std::int64_t delay);
  void link_turn();
  // After everything that the process did.
  void look_for_death();
  void die();
  [[nodiscard]] bool is_full();
  void force_state();
  void take_survivors(std::uint64_t batches);
  void take_recovery(const wal::Recovered& recovered);
  [[nodiscard]] bool rotted(const std::string& file) const;
  [[nodiscard]] bool only_receipt_gone(const wal::ChainFault& fault) const;
  [[nodiscard]] bool named(const BitRot& rot, const sink::AuditState& mixer);
  [[nodiscard]] bool named_in_spool(const BitRot& rot);
  [[nodiscard]] bool declaration_rotted(const BitRot& rot) const;
  [[nodiscard]] bool tells_of_cut(const BitRot& rot);
  void look_at_cuts(bool started);
  void excuse(Epoch epoch, Sequence from);
  void excuse_forgotten_ends();
  [[nodiscard]] bool only_end_forgotten(Epoch epoch, std::string_view what) const;

  World& world_;
  MessageServer& server_;
  SimulatedBus::Answer mixer_;
  std::size_t number_;
  std::string name_;
  const char* actor_;
  MachineId machine_id_;
  wal::MemoryDisk disk_;
  std::unique_ptr<RackProcess> process_;
  Death death_ = Death::kKill;  // how it dies when an operation is refused
  std::uint64_t incarnation_ = 0;
  bool partitioned_ = false;
  std::int64_t wall_offset_ = 0;
  std::int64_t divert_until_ = 0;
  std::int64_t replay_until_ = 0;
  std::map<Epoch, Sequence> unsynced_;  // by ended epoch: the first sequence that was not on disk
  std::map<Epoch, Sequence> excused_;   // from here on
  std::set<Epoch> forgotten_;           // a start read an end of it that was not on disk
  bool power_lost_ = false;             // ever
  bool was_full_ = false;               // its disk, since the process began
  std::vector<BitRot> rots_;
  std::set<std::pair<std::string, std::uint64_t>> named_;  // by recovery: file, and from which byte on
  std::int64_t pump_at_ = 0;
  std::int64_t link_at_ = 0;
  std::uint64_t pump_turns_ = 0;
  std::uint64_t link_turns_ = 0;
  std::uint64_t deaths_ = 0;
};

}  // namespace fluxrig::sim
