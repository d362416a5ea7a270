// The next block of one epoch: its sequence and the hash of the block before it. Builds a block, and moves on
// only when the caller has written it. One thread.
#pragma once

#include "base/result.hpp"
#include "model/block.hpp"

namespace fluxrig::wal {

class Chain {
 public:
  struct Identity {
    MachineId machine_id;
    model::Lane lane = model::Lane::kAudit;
    Epoch epoch;
  };
  Chain(const Identity& identity, Sequence next, const model::Hash& head)
      : identity_(identity), next_(next), head_(head) {}

  struct Content {
    model::BlockKind kind = model::BlockKind::kRecords;
    std::uint32_t count = 0;
    ByteView records;
    ByteView body;
  };
  // Valid until the next call. kOversize over model::kMaxBlockBytes.
  [[nodiscard]] Result<ByteView> build(const Content& content, UnixNanos time);
  // The block built last is written.
  void advance();

  [[nodiscard]] Sequence next() const noexcept { return next_; }
  [[nodiscard]] const model::Hash& head() const noexcept { return head_; }

 private:
  Identity identity_;
  Sequence next_;
  model::Hash head_;
  std::uint32_t built_count_ = 0;
  Bytes block_;
};

}  // namespace fluxrig::wal
