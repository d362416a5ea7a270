// The table open_intents: transactions that left their rack and have no outcome yet. An intent and its
// outcome that come in one batch cancel out without touching it, which is nearly all; so one batch costs at
// most three statements, whatever its size. They belong together by machine, epoch and span_id
// (docs/formats/records.md), in whatever order they come. One thread; all writes are part of the ingest's
// transaction.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sink/duckdb/database.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

class OpenIntents {
 public:
  // How many rows the table has, by stream: what is not in here needs no look into the table. As committed.
  using Counts = std::map<StreamKey, std::uint64_t>;
  [[nodiscard]] static Attempt<Counts> load(Connection& connection);

  // Of one batch. `ledger` is that before it.
  OpenIntents(const Counts& counts, const Ledger& ledger) : counts_(counts), ledger_(ledger) {}

  // A record that the ledger did not know; others than transactions and intents are nothing to it.
  void see(const IncomingBlock& block, std::size_t index);
  // Brings the table up to date, after the batch's rows. `changed` gets the new counts of the streams that
  // changed: the caller's when the transaction has been committed.
  [[nodiscard]] Attempt<void> finish(Connection& connection, Counts& changed);

 private:
  struct Place {
    const IncomingBlock* block = nullptr;
    std::size_t index = 0;
    [[nodiscard]] std::uint64_t sequence() const noexcept { return block->head.first.value + index; }
    [[nodiscard]] const model::Intent& intent() const noexcept {
      return std::get<model::Intent>(block->records[index]);
    }
  };
  struct Stream {
    std::map<SpanId, Place> intents;
    std::set<SpanId> outcomes;  // of which the intent is not in this batch
  };

  [[nodiscard]] Attempt<void> forget_stored(Connection& connection, const StreamKey& key, Stream& stream);
  [[nodiscard]] Attempt<std::uint64_t> remove(Connection& connection, const StreamKey& key,
                                              const std::set<SpanId>& outcomes);
  [[nodiscard]] Attempt<void> insert(Connection& connection);

  const Counts& counts_;
  const Ledger& ledger_;
  std::map<StreamKey, Stream> streams_;
};

}  // namespace fluxrig::sink
