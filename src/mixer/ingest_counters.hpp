// What ingest did, for /api/v1/status and /readyz. One writer (the ingest thread), any reader; relaxed: each
// figure stands for itself.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace fluxrig::mixer {

// Why a message was not stored. Its bytes are never kept.
enum class RefusalCause : std::uint8_t {
  kBadSubject,       // the subject does not end in a machine_id
  kOversize,         // over model::kMaxBlockBytes
  kMalformedBlock,   // no block
  kUnsupported,      // a block of a later version
  kMalformedRecord,  // a block with a record that is none
  kMachineMismatch,  // the block names another machine than the subject
  kLaneMismatch,     // the block names another lane than the subject
  kUnknownMachine,   // no certificate in the index; delivered again later
  kBadSequence,      // epoch or sequence out of range
};
inline constexpr std::array<std::string_view, 9> kRefusalNames{
    "bad_subject",      "oversize",      "malformed_block", "unsupported_version", "malformed_record",
    "machine_mismatch", "lane_mismatch", "unknown_machine", "bad_sequence"};

struct IngestCounters {
  using Counter = std::atomic<std::uint64_t>;

  Counter messages{0};  // pulled
  Counter bytes{0};
  Counter blocks{0};          // stored
  Counter records{0};         // in these blocks
  Counter rows{0};            // written
  Counter duplicates{0};      // records that the ledger already had
  Counter control_blocks{0};  // checkpoints, recoveries, ...: acknowledged, no rows
  Counter commits{0};
  Counter commit_failures{0};
  Counter receipts{0};
  Counter last_commit_nanos{0};  // how long it took
  Counter slowest_commit_nanos{0};
  std::atomic<std::int64_t> last_commit_time{0};  // unix ns
  std::atomic<bool> sink_failing{false};          // since the last attempt
  std::atomic<bool> pulling{false};               // the streams answer
  std::array<Counter, kRefusalNames.size()> refusals{};
  // Of the audit chains.
  Counter audit_blocks{0};   // kept
  Counter audit_repeats{0};  // came again
  Counter audit_forks{0};    // had another one's place: not stored
  Counter alarms_raised{0};
  Counter losses_declared{0};
  Counter alarms_open{0};  // now

  static void add(Counter& counter, std::uint64_t amount = 1) noexcept {
    counter.fetch_add(amount, std::memory_order_relaxed);
  }
  void refuse(RefusalCause cause) noexcept { add(refusals[static_cast<std::size_t>(cause)]); }
};

}  // namespace fluxrig::mixer
