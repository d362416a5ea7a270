#include "sim/counted_audit.hpp"

#include "cbor/decoder.hpp"
#include "model/record_codec.hpp"

namespace fluxrig::sim {

Result<void> CountedAudit::append(const sanitize::CleanRecords& records) {
  const Sequence before = lane_.writer().next_sequence();
  if (auto appended = lane_.append(records); !appended) return appended;
  kept_last_ = lane_.writer().next_sequence() != before;
  if (!kept_last_) lost_ += records.count();
  for (const auto execution : executions_in(records.bytes())) {
    if (kept_last_)
      unsynced_.push_back(execution);
    else
      oracle_.excuse(execution);
  }
  return {};
}

Result<void> CountedAudit::sync() {
  if (auto synced = lane_.sync(); !synced) return synced;
  const Sequence next = lane_.writer().next_sequence();
  at_risk_.insert(at_risk_.end(), unsynced_.begin(), unsynced_.end());
  unsynced_.clear();
  if (lane_.last_synced().value + 1 != next.value) return {};
  at_risk_.clear();
  if (kept_last_) losses_.safe(machine_, lane_.writer().epoch(), {next, lost_});
  return {};
}

void CountedAudit::died() {
  for (const auto execution : at_risk_) oracle_.excuse(execution);
}

}  // namespace fluxrig::sim
