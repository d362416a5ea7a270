// The mixer's store in memory: rows and ledger change together or not at all, and may refuse, fail in the
// middle, or commit and say that they failed. Outlives the mixer's processes, as a disk does. One thread.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "sim/world.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sim {

class SimulatedSink final : public sink::Sink {
 public:
  explicit SimulatedSink(World& world) : world_(world) {}

  [[nodiscard]] Result<sink::CommitSummary> commit(std::span<const sink::IncomingBlock> blocks) override;
  [[nodiscard]] Result<sink::CommitSummary> commit_audited(std::span<const sink::IncomingBlock> blocks,
                                                           const sink::AuditChanges& changes) override;
  [[nodiscard]] const sink::AuditState& audit() const noexcept override { return audit_; }
  [[nodiscard]] Result<std::vector<sink::KnownBlock>> known_blocks(const KnownQuestion& question) override;
  [[nodiscard]] Result<void> remember(const sink::RackPresence&) override { return {}; }
  [[nodiscard]] const sink::Ledger& ledger() const noexcept override { return ledger_; }
  [[nodiscard]] Result<bool> maintain(UnixNanos) override { return false; }

  void set_down(bool down) noexcept { down_ = down; }
  [[nodiscard]] bool down() const noexcept { return down_; }
  // The next commits stop in their middle; every other one was complete and says the same.
  void fail_halfway(std::uint32_t times) noexcept { failures_ = times; }
  // Of every machine: intents without outcome, of epochs that are over.
  [[nodiscard]] std::set<Execution> in_doubt() const;
  // Called before a commit begins and after it is done; false: the process that commits is dead.
  void set_gate(std::function<bool()> gate) { gate_ = std::move(gate); }

 private:
  struct KeptBlock {
    Sequence first;
    sink::KnownBlock known;
  };

  World& world_;
  sink::Ledger ledger_;
  sink::AuditState audit_;
  std::map<sink::StreamKey, std::vector<KeptBlock>> kept_;
  void note_loss(const sink::IncomingBlock& block);
  void note_intents(const sink::StreamKey& key, const model::Record& record);
  void note_telemetry(const sink::StreamKey& key, const model::Record& record);

  // As the table open_intents: by the root span, in the same transaction as the rows.
  std::map<sink::StreamKey, std::map<SpanId, Execution>> open_;
  std::map<sink::StreamKey, std::set<SpanId>> outcomes_;
  std::function<bool()> gate_;
  bool down_ = false;
  std::uint32_t failures_ = 0;
};

}  // namespace fluxrig::sim
