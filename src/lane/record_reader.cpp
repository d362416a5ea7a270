#include "lane/record_reader.hpp"

#include "cbor/decoder.hpp"
#include "wal/control_body.hpp"

namespace fluxrig::lane {

Result<std::optional<RecordReader::Record>> RecordReader::next() {
  for (;;) {
    if (!block_) {
      const auto more = next_block();
      if (!more) return tl::unexpected(more.error());
      if (!*more) return std::optional<Record>();
    }
    const auto& view = block_->view;
    if (offset_ >= view.records.size()) {
      block_.reset();
      continue;
    }
    cbor::Decoder decoder(view.records.subspan(offset_));
    const auto record = decoder.skip();  // the block was checked to hold whole items
    if (!record) {
      block_.reset();
      continue;
    }
    offset_ += record->size();
    return std::optional(Record{{view.head.epoch, Sequence{sequence_++}}, block_->segment, *record});
  }
}

// True: block_ is the cursor's next block with records.
Result<bool> RecordReader::next_block() {
  for (;;) {
    auto block = cursor_.next();
    if (block && !*block) return false;
    if (block) {
      const auto& view = (*block)->view;
      if (view.head.kind == model::BlockKind::kRecovery)
        if (const auto body = wal::decode_recovery_body(view.body)) cut_bytes_ += body->cut_bytes;
      if (view.head.kind != model::BlockKind::kRecords) continue;
      block_ = **block;
      offset_ = 0;
      sequence_ = block_->view.head.first.value;
      return true;
    }
    if (block.error().code != ErrorCode::kCorrupt) return tl::unexpected(block.error());
    ++damaged_places_;
    if (const auto skipped = cursor_.skip_damage(); !skipped) return tl::unexpected(skipped.error());
  }
}

}  // namespace fluxrig::lane
