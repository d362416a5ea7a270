// What the sink has committed of one lane: ranges of sequences per epoch, merged; adding twice changes
// nothing. Stored only when asked, crash-atomically, in the file `receipts` of the lane's directory. One
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "cbor/decoder.hpp"
#include "model/block.hpp"
#include "wal/disk.hpp"

namespace fluxrig::wal {

struct SequenceRange {
  Sequence first;
  Sequence last;  // included
  friend bool operator==(const SequenceRange&, const SequenceRange&) = default;
};

class Receipts {
 public:
  // Ranges that do not touch each other, over all epochs; more are refused: their blocks are shipped again,
  // and the mixer knows them.
  static constexpr std::size_t kMaxRanges = 20'000;
  static constexpr std::size_t kMaxChains = 1'000;

  // True when something new was added; kInvalid for an empty range or sequence 0; kFull at the limit.
  [[nodiscard]] Result<bool> add(Epoch epoch, SequenceRange range);
  // Whether all of the range is there.
  [[nodiscard]] bool covers(Epoch epoch, SequenceRange range) const noexcept;
  [[nodiscard]] bool contains(Epoch epoch, Sequence sequence) const noexcept {
    return covers(epoch, {sequence, sequence});
  }
  // How far the mixer holds the epoch's chain without a hole, blocks without records included.
  struct ChainHead {
    Sequence next;
    model::Hash hash{};
    friend bool operator==(const ChainHead&, const ChainHead&) = default;
  };
  // The latest word counts; true when it is news.
  bool set_chain(Epoch epoch, const ChainHead& head);
  // Of any epoch.
  [[nodiscard]] bool knows_chains() const noexcept { return !chains_.empty(); }
  [[nodiscard]] std::optional<ChainHead> chain(Epoch epoch) const;
  // Epochs of which no segment is left need no receipts.
  void forget_before(Epoch oldest);
  [[nodiscard]] std::vector<SequenceRange> ranges(Epoch epoch) const;
  [[nodiscard]] std::vector<Epoch> epochs() const;
  [[nodiscard]] std::size_t range_count() const noexcept { return count_; }
  [[nodiscard]] bool changed() const noexcept { return changed_; }  // since the last store
  [[nodiscard]] Epoch newest_epoch() const noexcept;                // 0: none

  [[nodiscard]] Result<void> store(Disk& disk, const std::string& directory);
  // Empty receipts where the file is missing. kCorrupt, kIo: report it and go on with empty ones; everything
  // is shipped again.
  [[nodiscard]] static Result<Receipts> load(Disk& disk, const std::string& directory);

 private:
  using Ranges = std::map<std::uint64_t, std::uint64_t>;  // first -> last; neither touching nor overlapping
  [[nodiscard]] static Result<Receipts> decode(ByteView item);
  [[nodiscard]] bool decode_chains(cbor::Decoder& decoder);
  std::map<std::uint32_t, Ranges> epochs_;
  std::map<std::uint32_t, ChainHead> chains_;  // at most kMaxChains
  std::size_t count_ = 0;
  bool changed_ = false;
};

}  // namespace fluxrig::wal
