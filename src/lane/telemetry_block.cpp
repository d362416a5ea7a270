#include "lane/telemetry_block.hpp"

#include "model/block.hpp"

namespace fluxrig::lane {

TelemetryBlock make_block(const TelemetryBatch& batch, const MachineId& machine_id) {
  model::BlockHead head;
  head.kind = model::BlockKind::kRecords;
  head.machine_id = machine_id;
  head.lane = model::Lane::kTelemetry;
  head.epoch = batch.epoch;
  head.first = batch.first;
  head.count = batch.count;
  head.time = batch.time;
  TelemetryBlock block{batch.epoch, batch.first, batch.count, batch.time, batch.signals, {}};
  model::encode_block(head, batch.records, {}, block.bytes);
  return block;
}

}  // namespace fluxrig::lane
