#include "wal/chain.hpp"

namespace fluxrig::wal {
namespace {
constexpr std::size_t kKeptBufferBytes = 256U << 10;
}

Result<ByteView> Chain::build(const Content& content, UnixNanos time) {
  if (content.records.size() > model::kMaxBlockBytes || content.body.size() > model::kMaxBlockBytes)
    return fail(ErrorCode::kOversize, "the block is over the limit");
  model::BlockHead head;
  head.kind = content.kind;
  head.machine_id = identity_.machine_id;
  head.lane = identity_.lane;
  head.epoch = identity_.epoch;
  head.first = next_;
  head.count = content.count;
  head.previous = head_;
  head.time = time;
  if (block_.capacity() > kKeptBufferBytes) Bytes().swap(block_);
  block_.clear();
  model::encode_block(head, content.records, content.body, block_);
  if (block_.size() > model::kMaxBlockBytes) return fail(ErrorCode::kOversize, "the block is over the limit");
  built_count_ = content.count;
  return ByteView(block_);
}

void Chain::advance() {
  head_ = model::hash_block(block_);
  next_.value += built_count_;
}

}  // namespace fluxrig::wal
