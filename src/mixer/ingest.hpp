// The heart of the mixer: messages in, one sink transaction, acknowledgements and receipts out, in that
// order, so that a crash between any two of them repeats work and loses nothing. No thread, clock or socket
// of its own. One thread (the ingest thread).
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "mixer/block_intake.hpp"
#include "mixer/chain_watch.hpp"
#include "mixer/decision.hpp"
#include "mixer/fresh_records.hpp"
#include "mixer/ingest_counters.hpp"
#include "mixer/presence.hpp"
#include "mixer/rack_events.hpp"
#include "mixer/rack_index.hpp"
#include "mixer/sink_watch.hpp"
#include "sink/sink.hpp"
#include "snake/bus.hpp"

namespace fluxrig::mixer {

class SpanIntake;

// A transaction that was stored just now, for those who watch live.
struct StoredTransaction {
  MachineId machine_id;
  std::string rack;
  Epoch epoch;
  Sequence sequence;
  model::Transaction transaction;
};
// Must not block. Called after the commit.
using StoredObserver = std::function<void(const std::vector<StoredTransaction>&)>;
// The same, with the blocks themselves: those with records that were new, and what they all were on the bus.
using BlockTaker = std::function<void(std::vector<FreshBlock>, std::size_t bytes)>;

struct IngestLimits {
  std::size_t blocks = 8192;
  std::size_t records = 20'000;
  std::size_t bytes = 8U << 20;
};

class Ingest {
 public:
  struct Parts {  // none owned, all outlive this
    sink::Sink& sink;
    snake::Bus& bus;
    const RackIndex& racks;
    const Clock& clock;
    Diagnostics& diagnostics;
    IngestCounters& counters;
    SinkWatch* watch = nullptr;         // nullptr: nobody asks how the store does
    DecisionDesk* decisions = nullptr;  // of operators; nullptr: none come
    SpanIntake* received = nullptr;     // of services, for IngestThread; nullptr: none come
  };

  Ingest(Parts parts, IngestLimits limits) : parts_(parts), limits_(limits) {}

  // nullptr: nobody watches.
  void observe(StoredObserver observer) { observer_ = std::move(observer); }
  // nullptr: nobody takes what was stored.
  void hand_on(BlockTaker taker) { taker_ = std::move(taker); }
  // Without it what is missing is late for ever and never becomes a gap.
  void watch_presence(ChainWatch::PresentSince present) { present_ = std::move(present); }

  // Takes one message into the batch, or refuses it for good (counted, terminated at once).
  void add(snake::Delivery delivery, model::Lane lane);
  [[nodiscard]] bool empty() const noexcept { return replies_.empty(); }
  [[nodiscard]] bool full() const noexcept {
    return blocks_.size() >= limits_.blocks || records_ >= limits_.records || bytes_ >= limits_.bytes;
  }
  // Commits the batch, then acknowledges it, then publishes the receipts. On failure the batch stays as it
  // was, nothing is acknowledged, and the caller tries again later.
  [[nodiscard]] Result<void> flush();
  // For every epoch that the ledger knows of this machine.
  void send_receipts(const MachineId& machine);
  // Raises alarms for what connected racks should have sent long ago. From time to time.
  [[nodiscard]] Result<void> look_for_gaps();
  // Raises alarms for racks whose directory does not know of a start that said hello.
  [[nodiscard]] Result<void> note_old_copies(const std::vector<Presence::OldCopy>& copies);
  // Stores what operators have decided meanwhile, and tells them.
  void answer_decisions();
  // After housekeeping: the store may have raised alarms of its own; `next_before`: the next id before it.
  void count_alarms(std::uint64_t next_before);
  // What racks send may wait in a stream that is not read: patience begins anew when it is again.
  void was_held_up() { held_up_ = parts_.clock.now(); }

 private:
  void take(sink::IncomingBlock block);
  void count_refusal(const snake::Delivery& delivery, const Refusal& refusal);
  void end_refused(const snake::Delivery& delivery, const Refusal& refusal);
  [[nodiscard]] std::vector<StoredTransaction> newly_stored() const;
  [[nodiscard]] Result<sink::AuditChanges> judge_chains();
  [[nodiscard]] Result<void> commit_batch();
  // Commits, and counts how that went.
  [[nodiscard]] Result<sink::CommitSummary> store(const sink::AuditChanges& changes);
  [[nodiscard]] double fill() const noexcept;
  [[nodiscard]] Result<void> take_decision(const Decision& decision);
  void tell(const sink::AuditChanges& changes);
  void send_receipt(const sink::StreamKey& key);

  Parts parts_;
  IngestLimits limits_;
  StoredObserver observer_;
  BlockTaker taker_;
  std::vector<sink::IncomingBlock> blocks_;
  std::vector<RecordRuns> fresh_;     // of what was committed; for taker_
  std::vector<std::string> replies_;  // of every message in the batch, blocks without records included
  ChainWatch::PresentSince present_;
  UnixNanos held_up_;
  std::set<sink::StreamKey> touched_;
  std::size_t records_ = 0;
  std::size_t bytes_ = 0;
  std::int64_t handling_nanos_ = 0;  // decoding what is in the batch
};

}  // namespace fluxrig::mixer
