// Verifies the audit chain of one machine, docs/formats/audit.md, from its blocks in chain order: a rack's
// directory, the mixer's store, an exported bundle. Keeps constant memory. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "model/block.hpp"
#include "wal/control_body.hpp"
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
  Sequence next;                       // of the last epoch: one more than its last record
  Sequence signed_to;                  // of the last epoch: the last checkpoint's sequence; 0: none
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
    std::vector<PublicKey> keys;
    // The first block that is given need not begin an epoch (older ones were released or retired).
    bool may_begin_late = true;
  };
  explicit ChainVerifier(Options options) : options_(std::move(options)) {}

  // The next block in chain order; views `bytes` only during the call. Where blocks are missing or out of
  // place this is noted in the report, and verification goes on behind it.
  void add(ByteView bytes);
  // A place where bytes could not be read at all (a bad frame in a segment).
  void add_unreadable(Epoch epoch, Sequence expected, std::string what);
  // A range that is known to be stored elsewhere (receipts): missing it is no gap.
  void forgive(Epoch epoch, Sequence first, Sequence last);
  [[nodiscard]] ChainReport finish();
  [[nodiscard]] const ChainReport& so_far() const noexcept { return report_; }

 private:
  Options options_;
  ChainReport report_;
};

// "N records, M epochs, no gap, no fork, no alteration, signed to sequence S, unsigned tail T", or the first
// fault.
[[nodiscard]] std::string summary(const ChainReport& report);

}  // namespace fluxrig::wal
