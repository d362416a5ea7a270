// Between the pump and its outputs: all goes on to the audit lane and the telemetry queue as before, and a
// copy to the export, once the audit records of it are on disk. A copy costs the pump its bytes; the encoding
// is another thread's. One thread (the pump).
#pragma once

#include "base/clock.hpp"
#include "lane/drops.hpp"
#include "lane/telemetry_ledger.hpp"
#include "lane/telemetry_queue.hpp"
#include "rack/audit_lane.hpp"
#include "rack/rack_export.hpp"
#include "tap/outputs.hpp"

namespace fluxrig::rack {

class ExportTap final : public tap::AuditOutput, public tap::TelemetryOutput {
 public:
  // So many bytes do not wait for the disk: memory stays bounded whatever the interval between syncs is.
  static constexpr std::size_t kMaxHeldBytes = 256U << 10;

  struct Parts {  // none owned, all outlive this
    AuditLane& audit;
    lane::TelemetryQueue& telemetry;
    RackExport& exported;
    lane::TelemetryLedger& ledger;
    lane::DropCounters& drops;
    const Clock& clock;
    // The export is the only way out for telemetry: what it takes is produced, what it has no room for
    // dropped. Otherwise the ledger speaks of the queue.
    bool is_only_way = false;
  };
  explicit ExportTap(const Parts& parts) : parts_(parts) {}

  [[nodiscard]] Result<void> append(const sanitize::CleanRecords& records) override;
  [[nodiscard]] Result<void> sync() override;
  void offer(model::Signal signal, const sanitize::CleanRecords& one) override;
  void count_dropped(model::DropCause cause, model::Signal signal, std::uint64_t records) override {
    parts_.telemetry.count_dropped(cause, signal, records);
  }
  // Nothing more will come soon: what is held goes, unless audit records of it still wait for the disk.
  void flush() {
    if (!unsynced_) hand_over();
  }

 private:
  void hold(const ExportChunk::Piece& piece, ByteView records);
  void hand_over();

  Parts parts_;
  ExportChunk held_;
  model::SignalCounts telemetry_held_;
  bool unsynced_ = false;
};

}  // namespace fluxrig::rack
