// P2: what the pump produced, what the queue counted, what the bus was given and what the store holds; per
// process of a rack. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>

#include "lane/drops.hpp"
#include "sim/oracle.hpp"

namespace fluxrig::sim {

class TelemetryLedger {
 public:
  explicit TelemetryLedger(Oracle& oracle) : oracle_(oracle) {}

  struct Counts {                // of one process
    std::uint64_t produced = 0;  // by the pump, what never fitted into the ring included
    std::uint64_t accepted = 0;  // by the queue
    bool ended = false;          // the process died: what it still held is gone
    const lane::DropCounters* drops = nullptr;
  };
  void handed(const model::BlockHead& head, bool at_once_failed);  // to the bus
  void told(const model::BlockHead& head, bool good);              // the publisher
  // The server lost the message, or never had it although it said so.
  void lost(const model::BlockHead& head);
  // At a process's end, and at the end of a run.
  void check(const MachineId& machine, Epoch epoch, const Counts& counts);
  // Everything has drained.
  void check_end();

 private:
  enum class Told : std::uint8_t { kNothing, kGood, kFailed };
  struct Message {
    std::uint32_t count = 0;
    Told told = Told::kNothing;
    bool lost = false;
  };
  using MessageKey = std::tuple<MachineId, Epoch, Sequence>;

  void check_resent(const MachineId& machine, Epoch epoch);
  void check_message(const MessageKey& key, const Message& message);

  Oracle& oracle_;
  std::map<std::pair<MachineId, Epoch>, std::uint64_t> handed_;  // to the bus, in records, each once
  std::map<MessageKey, Message> messages_;
};

}  // namespace fluxrig::sim
