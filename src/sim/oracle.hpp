// The ledger outside: what was answered, what was produced, what the store holds; and what must hold between
// them. Knows nothing of how the product does it. The first broken promise is kept. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "base/ids.hpp"
#include "lane/drops.hpp"
#include "model/block.hpp"
#include "model/records.hpp"

namespace fluxrig::sim {

struct BrokenPromise {
  std::string promise;  // a fixed phrase
  std::string detail;
};

class Oracle {
 public:
  // The value of every attribute of every transaction.
  static inline const std::string kContent = std::string(250, 'x');

  void fail(std::string promise, std::string detail);
  [[nodiscard]] const std::optional<BrokenPromise>& broken() const noexcept { return broken_; }

  // --- transactions (P1) ---
  void begun(const FluxId& flux_id, std::size_t rack);
  void answered(const FluxId& flux_id, std::int64_t now);
  // The disk may have lost what this rack answered since then: only in durability interval.
  void forgive_since(std::size_t rack, std::int64_t time);
  struct Place {
    MachineId machine_id;
    model::Lane lane = model::Lane::kAudit;
    Epoch epoch;
    Sequence sequence;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  void stored(const Place& place, const model::Record& record);

  // --- telemetry (P2), of one process of a rack ---
  struct Telemetry {
    std::uint64_t produced = 0;  // by the pump, what never fitted into the ring included
    std::uint64_t accepted = 0;  // by the queue
    bool ended = false;          // the process died: what it still held is gone
    const lane::DropCounters* drops = nullptr;
  };
  void telemetry_handed(const model::BlockHead& head, bool at_once_failed);
  void telemetry_told(const model::BlockHead& head, bool good);
  // The server lost the message, or never had it although it said so.
  void telemetry_lost(const model::BlockHead& head);
  // At a process's end, and at the end of a run.
  void check_telemetry(const MachineId& machine, Epoch epoch, const Telemetry& telemetry);

  // Everything has drained: all that is promised about the whole.
  void check_end();

  [[nodiscard]] std::uint64_t answered_count() const noexcept { return answered_; }
  [[nodiscard]] std::uint64_t stored_count() const noexcept { return rows_.size(); }

 private:
  struct Transaction {
    std::size_t rack = 0;
    std::int64_t answered_at = -1;
    std::uint32_t stored = 0;
    bool may_be_lost = false;
  };
  enum class Told : std::uint8_t { kNothing, kGood, kFailed };
  struct TelemetryMessage {
    std::uint32_t count = 0;
    Told told = Told::kNothing;
    bool lost = false;
  };
  using Process = std::pair<MachineId, Epoch>;
  using MessageKey = std::tuple<MachineId, Epoch, Sequence>;

  void check_message(const MessageKey& key, const TelemetryMessage& message);

  std::optional<BrokenPromise> broken_;
  std::map<FluxId, Transaction> transactions_;
  std::map<Place, std::uint32_t> rows_;
  std::uint64_t answered_ = 0;
  std::map<Process, std::uint64_t> handed_;  // to the bus, in records, each once
  std::map<MessageKey, TelemetryMessage> telemetry_;
};

}  // namespace fluxrig::sim
