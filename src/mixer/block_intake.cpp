#include "mixer/block_intake.hpp"

#include <limits>

#include "cbor/decoder.hpp"
#include "model/record_codec.hpp"

namespace fluxrig::mixer {
namespace {

tl::unexpected<Refusal> refuse(RefusalCause cause, Error error) {
  return tl::unexpected(Refusal{cause, error});
}
tl::unexpected<Refusal> refuse(RefusalCause cause, const char* detail) {
  return refuse(cause, Error{ErrorCode::kInvalid, 0, detail});
}

Result<std::vector<model::Record>> decode_records(const model::BlockView& view) {
  std::vector<model::Record> records;
  // decode_block has counted the items, so `count` is no more than there are bytes.
  records.reserve(view.head.count);
  cbor::Decoder decoder(view.records);
  for (std::uint32_t i = 0; i < view.head.count; ++i) {
    const auto item = decoder.skip();
    if (!item) return tl::unexpected(item.error());
    auto record = model::decode(*item);
    if (!record) return tl::unexpected(record.error());
    records.push_back(std::move(*record));
  }
  return records;
}

bool sequences_are_possible(const model::BlockHead& head) {
  // The store counts in signed 64 bits.
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (head.epoch.value == 0 || head.first.value == 0 || head.first.value > kMost - head.count) return false;
  return head.kind == model::BlockKind::kRecords ? head.count != 0 : head.count == 0;
}

}  // namespace

std::optional<MachineId> machine_of_subject(std::string_view subject) {
  const auto dot = subject.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto uuid = parse_uuid(subject.substr(dot + 1));
  if (!uuid) return std::nullopt;
  return MachineId{*uuid};
}

std::vector<ByteView> split_blocks(ByteView message) {
  std::vector<ByteView> blocks;
  cbor::Decoder decoder(message);
  while (!decoder.at_end()) {
    const auto item =
        blocks.size() + 1 < kMaxBlocks ? decoder.skip() : fail(ErrorCode::kOversize, "too many blocks");
    if (!item) {
      blocks.push_back(message.subspan(decoder.offset()));
      break;
    }
    blocks.push_back(*item);
  }
  return blocks;
}

tl::expected<sink::IncomingBlock, Refusal> take_in(std::string_view subject, ByteView bytes, model::Lane lane,
                                                   const RackIndex& racks, UnixNanos now) {
  const auto machine = machine_of_subject(subject);
  if (!machine) return refuse(RefusalCause::kBadSubject, "the subject names no machine");
  if (bytes.size() > model::kMaxBlockBytes)
    return refuse(RefusalCause::kOversize, "the block is over the limit");
  const auto view = model::decode_block(bytes);
  if (!view)
    return refuse(view.error().code == ErrorCode::kUnsupported ? RefusalCause::kUnsupported
                                                               : RefusalCause::kMalformedBlock,
                  view.error());
  if (view->head.machine_id != *machine)
    return refuse(RefusalCause::kMachineMismatch, "the block names another machine than its subject");
  if (view->head.lane != lane)
    return refuse(RefusalCause::kLaneMismatch, "the block names another lane than its subject");
  if (!sequences_are_possible(view->head))
    return refuse(RefusalCause::kBadSequence, "the block's epoch or sequence is out of range");
  auto rack = racks.name_of(*machine);
  if (!rack) return refuse(RefusalCause::kUnknownMachine, "no certificate was issued for this machine");

  sink::IncomingBlock block{view->head, std::move(*rack), {}, now};
  if (lane == model::Lane::kAudit) {
    block.bytes.assign(bytes.begin(), bytes.end());
    block.hash = model::hash_block(bytes);
  }
  if (view->head.kind == model::BlockKind::kRecords) {
    auto records = decode_records(*view);
    if (!records)
      return refuse(records.error().code == ErrorCode::kUnsupported ? RefusalCause::kUnsupported
                                                                    : RefusalCause::kMalformedRecord,
                    records.error());
    block.records = std::move(*records);
  }
  return block;
}

}  // namespace fluxrig::mixer
