#include "rack/export_tap.hpp"

#include <utility>

namespace fluxrig::rack {

Result<void> ExportTap::append(const sanitize::CleanRecords& records) {
  const std::uint32_t count = records.count();
  const auto before = parts_.audit.writer().next_sequence();
  if (auto appended = parts_.audit.append(records); !appended) return appended;
  // With on_full: continue the lane may have taken none of them: then they have no sequence.
  const bool is_written = parts_.audit.writer().next_sequence().value == before.value + count;
  hold({model::Lane::kAudit, is_written ? before : Sequence{}, count}, records.bytes());
  unsynced_ = true;
  if (held_.records.size() >= kMaxHeldBytes) hand_over();
  return {};
}

Result<void> ExportTap::sync() {
  if (auto synced = parts_.audit.sync(); !synced) return synced;
  unsynced_ = false;
  hand_over();
  return {};
}

void ExportTap::offer(model::Signal signal, const sanitize::CleanRecords& one) {
  if (!parts_.is_only_way) parts_.telemetry.offer(signal, one);
  hold({model::Lane::kTelemetry, {}, 1}, one.bytes());
  ++telemetry_held_[signal];
  if (held_.records.size() >= kMaxHeldBytes) hand_over();
}

void ExportTap::hold(const ExportChunk::Piece& piece, ByteView records) {
  held_.records.insert(held_.records.end(), records.begin(), records.end());
  const bool joins = piece.lane == model::Lane::kTelemetry && !held_.pieces.empty() &&
                     held_.pieces.back().lane == piece.lane;
  if (!joins)
    held_.pieces.push_back(piece);
  else
    held_.pieces.back().count += piece.count;
  held_.pieces.back().end = held_.records.size();
}

void ExportTap::hand_over() {
  if (held_.pieces.empty()) return;
  const auto hour = model::Hour::of(parts_.clock.now());
  held_.made = parts_.clock.now();
  const auto telemetry = std::exchange(telemetry_held_, {});
  const bool taken = parts_.exported.offer(std::exchange(held_, {}));
  if (!parts_.is_only_way || telemetry.total() == 0) return;
  if (taken) return parts_.ledger.add_produced(hour, telemetry);
  parts_.ledger.add_dropped(hour, model::DropCause::kQueueFull, telemetry);
  parts_.drops.add(model::DropCause::kQueueFull, telemetry.total());
}

}  // namespace fluxrig::rack
