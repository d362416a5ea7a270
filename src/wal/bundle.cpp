#include "wal/bundle.hpp"

#include "cbor/encoder.hpp"

namespace fluxrig::wal {

namespace {
constexpr std::uint64_t kVersion = 1;
}

BundleWriter::BundleWriter(Output output) : output_(std::move(output)) {}

Result<void> BundleWriter::write(ByteView bytes) {
  digest_.add(bytes);
  return output_(bytes);
}

Result<void> BundleWriter::begin(UnixNanos time, const std::vector<BundleMachine>& machines) {
  if (machines.size() > kMaxBundleMachines)
    return fail(ErrorCode::kOversize, "too many machines in a bundle");
  item_.clear();
  cbor::Encoder encoder(item_);
  encoder.map(4);
  encoder.unsigned_integer(0);
  encoder.text("fluxrig-audit-bundle");
  encoder.unsigned_integer(1);
  encoder.unsigned_integer(kVersion);
  encoder.unsigned_integer(2);
  encoder.integer(time.value);
  encoder.unsigned_integer(3);
  encoder.array(machines.size());
  for (const auto& machine : machines) {
    if (machine.keys.size() > kMaxBundleKeys) return fail(ErrorCode::kOversize, "too many keys of a machine");
    encoder.array(3);
    encoder.bytes(machine.machine_id.view());
    encoder.text(machine.name);
    encoder.array(machine.keys.size());
    for (const auto& key : machine.keys) encoder.bytes(key);
  }
  return write(item_);
}

Result<void> BundleWriter::add(ByteView block) {
  if (block.size() > model::kMaxBlockBytes) return fail(ErrorCode::kOversize, "the block is over the limit");
  item_.clear();
  cbor::Encoder(item_).bytes(block);
  ++blocks_;
  return write(item_);
}

Result<void> BundleWriter::finish() {
  item_.clear();
  cbor::Encoder encoder(item_);
  encoder.map(3);
  encoder.unsigned_integer(0);
  encoder.text("fluxrig-audit-end");
  encoder.unsigned_integer(1);
  encoder.unsigned_integer(blocks_);
  encoder.unsigned_integer(2);
  encoder.bytes(digest_.finish());
  return output_(item_);
}

}  // namespace fluxrig::wal
