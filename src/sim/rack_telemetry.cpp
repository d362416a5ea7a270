// What must hold of a rack's telemetry at its deaths and when all has drained.
#include <fmt/format.h>

#include <algorithm>

#include "cbor/decoder.hpp"
#include "lane/backlog_entry.hpp"
#include "sim/rack_actor.hpp"
#include "wal/cursor.hpp"

namespace fluxrig::sim {
namespace {

constexpr const char* kTelemetry = "data/telemetry";

struct Backlog {
  std::vector<TelemetryLedger::Kept> kept;
  std::uint64_t entries = 0;  // those that were dropped, and whose segment is still there, included
};

void read_entries(const model::BlockView& view, lane::RecordPosition dropped_to, Backlog& backlog) {
  cbor::Decoder decoder(view.records);
  for (lane::RecordPosition at{view.head.epoch, view.head.first}; !decoder.at_end(); ++at.sequence.value) {
    const auto item = decoder.skip();
    if (!item) return;
    const auto entry = lane::decode_backlog_entry(*item);
    if (!entry) continue;
    ++backlog.entries;
    if (at >= dropped_to)
      backlog.kept.push_back({entry->block.epoch, entry->block.first, entry->block.last()});
  }
}

// nullopt: the disk refuses to be read at this moment.
std::optional<Backlog> read_backlog(wal::Disk& disk) {
  const auto marks = lane::BacklogMarks::load(disk, kTelemetry);
  if (!marks) return std::nullopt;
  Backlog backlog;
  wal::Cursor cursor(disk, kTelemetry, {});
  for (;;) {
    const auto block = cursor.next();
    if (!block && cursor.damage() && cursor.skip_damage()) continue;
    if (!block) return std::nullopt;
    if (!*block) break;
    if ((*block)->view.head.kind == model::BlockKind::kRecords)
      read_entries((*block)->view, marks->dropped_to, backlog);
  }
  std::sort(backlog.kept.begin(), backlog.kept.end());
  return backlog;
}

}  // namespace

// A kill takes nothing that the backlog had taken: `batches`, unless a power loss has made holes, which count
// as well. Of what a power loss leaves nothing goes later.
void RackActor::take_survivors(std::uint64_t batches) {
  if (world_.plan.backlog_bytes == 0) return;
  const auto found = read_backlog(disk_);
  if (!found) return;
  world_.note(actor_, "keeps batches on disk", found->entries, batches);
  power_lost_ = power_lost_ || death_ == Death::kPowerLoss;
  if (!power_lost_ && found->entries < batches)
    world_.oracle.fail(
        "P2 produced = stored + counted",
        fmt::format("{}: of {} batches in the backlog a kill left {}", name_, batches, found->entries));
  world_.telemetry.survived(machine_id_, found->kept, {death_ == Death::kPowerLoss, was_full_});
}

bool RackActor::state_the_last() {
  auto& process = *process_;
  if (process.stated_last) return true;
  process.stated_last = process.state_ledger(lane::TelemetryLedger::Occasion::kLast);
  pump_after(0);
  return false;
}

void RackActor::check_telemetry() {
  world_.telemetry.check(
      machine_id_, process_->audit->writer().epoch(),
      {process_->counted.produced(), process_->telemetry.accepted(), false, &process_->drops});
}

}  // namespace fluxrig::sim
