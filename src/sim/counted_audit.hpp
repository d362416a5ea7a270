// The audit lane as the pump's output, with `on_full: continue`: watches from outside which records it keeps,
// which it lets go, and what it calls safe. Part of a RackProcess. One thread.
#pragma once

#include <vector>

#include "rack/audit_lane.hpp"
#include "sim/loss_ledger.hpp"
#include "tap/outputs.hpp"

namespace fluxrig::sim {

class CountedAudit final : public tap::AuditOutput {
 public:
  CountedAudit(rack::AuditLane& lane, Oracle& oracle, LossLedger& losses, const MachineId& machine)
      : lane_(lane), oracle_(oracle), losses_(losses), machine_(machine) {}

  [[nodiscard]] Result<void> append(const sanitize::CleanRecords& records) override;
  [[nodiscard]] Result<void> sync() override;
  // No record was let go since the last one that was kept: the chain declares all of them.
  [[nodiscard]] bool declared() const noexcept { return kept_last_ || lost_ == 0; }
  // The process is dead: what it called safe while the disk refused is lost with it.
  void died();

 private:
  rack::AuditLane& lane_;
  Oracle& oracle_;
  LossLedger& losses_;
  MachineId machine_;
  bool kept_last_ = false;
  std::uint64_t lost_ = 0;
  std::vector<Execution> unsynced_;
  std::vector<Execution> at_risk_;  // answered, and the disk refused their sync
};

}  // namespace fluxrig::sim
