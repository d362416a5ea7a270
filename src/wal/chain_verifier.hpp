// Verifies the audit chain of one machine, docs/formats/audit.md, from its blocks in chain order: a rack's
// directory, the mixer's store, an exported bundle. Keeps constant memory. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "model/block.hpp"
#include "wal/control_body.hpp"
#include "wal/receipts.hpp"
#include "wal/signing_key.hpp"

namespace fluxrig::wal {

enum class FaultKind : std::uint8_t {
  kGap,           // sequences or blocks are missing and no loss block declares them
  kFork,          // two contents for one place
  kRollback,      // a later epoch names an end that is lower than a known one
  kAlteration,    // a hash, a checksum or a structure does not match
  kBadSignature,  // a checkpoint is not signed by the machine's key
  kKeyChanged,    // a header names another key than the one before
};
[[nodiscard]] std::string_view to_string(FaultKind kind) noexcept;

struct ChainFault {
  FaultKind kind = FaultKind::kAlteration;
  Epoch epoch;
  Sequence sequence;  // the first that cannot be trusted
  std::string what;   // a sentence: what is wrong, and where
};

struct DeclaredLoss {
  Epoch epoch;  // that declares it
  Sequence sequence;
  LossBody body;
};

struct ChainReport {
  std::uint64_t records = 0;
  std::uint64_t blocks = 0;
  std::uint64_t epochs = 0;
  std::uint64_t checkpoints = 0;
  Epoch last_epoch;
  Sequence next;  // of the last epoch: one more than its last record
  MachineId machine_id;
  std::vector<PublicKey> keys;         // that checkpoints were held against
  Sequence signed_to;                  // of the last epoch: the last record under a checkpoint; 0: none
  std::uint64_t unsigned_records = 0;  // behind the last checkpoint of each epoch, summed
  std::vector<DeclaredLoss> losses;    // the first kMaxListed
  std::vector<ChainFault> faults;      // the first kMaxListed
  std::uint64_t fault_count = 0;
  std::uint64_t lost_records = 0;  // of the losses that give a number
  static constexpr std::size_t kMaxListed = 1000;
  [[nodiscard]] bool good() const noexcept { return fault_count == 0; }
};

class ChainVerifier {
 public:
  struct Options {
    // Keys that are trusted beforehand (the mixer's pins, `--key`); empty: the first header's is trusted.
    std::vector<PublicKey> keys = {};
    // The first block that is given need not begin an epoch (older ones were released or retired).
    bool may_begin_late = true;
    // Where the block that is being added stands, for the sentences of faults: "FILE at byte N". May be
    // empty.
    std::function<std::string()> where = {};
  };
  explicit ChainVerifier(Options options);

  // The next block in chain order; views `bytes` only during the call. Where blocks are missing or out of
  // place this is noted in the report, and verification goes on behind it.
  void add(ByteView bytes);
  // A place where bytes could not be read at all (a bad frame in a segment). `expected` 0: not known.
  void add_unreadable(Epoch epoch, Sequence expected, std::string what);
  // A range that is known to be stored elsewhere (receipts): missing it is no gap.
  void forgive(Epoch epoch, Sequence first, Sequence last);
  void forgive(const Receipts& receipts);
  // The blocks from here to the next header were released while they were being read.
  void pass_released() noexcept { broken_ = true; }
  [[nodiscard]] ChainReport finish();
  // Holes that a later loss block may still declare are not in it.
  [[nodiscard]] const ChainReport& so_far() const noexcept { return report_; }

 private:
  // Blocks of the epoch that are remembered to tell a fork or a repetition from a missing block.
  static constexpr std::size_t kRemembered = 64;
  // What is missing, unless a loss block declares it: [first, last], empty when only blocks without records.
  struct Hole {
    ChainFault fault;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };

  void fault(FaultKind kind, Epoch epoch, Sequence sequence, std::string what);
  void hole(FaultKind kind, LossBody::Range range, std::string what);
  void close_unreadable(Sequence next);
  void begin_epoch(const model::BlockView& view);
  void begin_inside(const model::BlockHead& head, bool first_ever);
  void check_link(const model::BlockView& view, bool first_ever);
  void check_end(const EpochLink& link);
  [[nodiscard]] bool follow(const model::BlockHead& head, const model::Hash& hash);
  [[nodiscard]] bool follow_elsewhere(const model::BlockHead& head, const model::Hash& hash);
  void take(const model::BlockView& view, const model::Hash& hash);
  void take_header(const model::BlockView& view);
  void take_checkpoint(const model::BlockView& view);
  void take_loss(const model::BlockView& view);
  void list_loss(const model::BlockHead& head, LossBody body);
  void excuse(const LossBody::Range& declared);
  void finish_epoch();
  void finish_holes();
  void remember(const model::Hash& hash);
  [[nodiscard]] bool remembered(const model::Hash& hash) const noexcept;

  Options options_;
  ChainReport report_;
  Receipts forgiven_;
  bool begun_ = false;
  MachineId machine_;
  model::Lane lane_ = model::Lane::kAudit;
  Epoch epoch_;
  Sequence next_;
  model::Hash head_{};
  Sequence last_first_;  // of the last block
  bool broken_ = false;  // what stands before the next block is not known: its `previous` is not compared
  std::vector<model::Hash> hashes_;  // of the last blocks, a ring
  std::size_t hash_at_ = 0;
  std::optional<Hole> unreadable_;  // its end is told by the next block
  std::vector<Hole> holes_;
  std::vector<LossBody::Range> declared_;  // not yet under a checkpoint
  std::optional<model::Hash> statement_;   // of the checkpoint before; nullopt: not known
  std::uint64_t unsigned_ = 0;             // records of this epoch behind its last checkpoint
};

// "N records, M epochs, no gap, no fork, no alteration, signed to sequence S, unsigned tail T", or the first
// fault.
[[nodiscard]] std::string summary(const ChainReport& report);

}  // namespace fluxrig::wal
