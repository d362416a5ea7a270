// Sink over DuckDB: one transaction a commit. After a failure nothing of the batch is stored, the ledger in
// memory is as before, and the next call works again: if what DuckDB holds cannot be trusted any more
// (store_core.hpp), the file is closed, opened and its ledger read anew. One thread.
#pragma once

#include "sink/duckdb/archive.hpp"
#include "sink/duckdb/open_intents.hpp"
#include "sink/duckdb/store_core.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

class DuckDbSink final : public Sink {
 public:
  explicit DuckDbSink(StoreCore& core) : core_(core), archive_(core) {}

  // Reads the ledger, makes the views, starts the selects. The core is open.
  [[nodiscard]] Attempt<void> start();

  [[nodiscard]] Result<CommitSummary> commit(std::span<const IncomingBlock> blocks) override {
    return commit_audited(blocks, {});
  }
  [[nodiscard]] Result<CommitSummary> commit_audited(std::span<const IncomingBlock> blocks,
                                                     const AuditChanges& changes) override;
  [[nodiscard]] const AuditState& audit() const noexcept override { return audit_; }
  [[nodiscard]] Result<std::vector<KnownBlock>> known_blocks(const KnownQuestion& question) override;
  [[nodiscard]] Result<void> store_received(const ReceivedSpans& received) override;
  [[nodiscard]] Result<void> remember(const RackPresence& presence) override;
  [[nodiscard]] const Ledger& ledger() const noexcept override { return ledger_; }
  [[nodiscard]] Result<bool> maintain(UnixNanos now) override;

 private:
  // What a commit makes of the state in memory.
  struct Changed {
    Ledger ledger;
    OpenIntents::Counts open_intents;
  };
  [[nodiscard]] Attempt<CommitSummary> store(std::span<const IncomingBlock> blocks,
                                             const AuditChanges& changes, Changed& changed);
  [[nodiscard]] Attempt<void> insert_received(const ReceivedSpans& received);
  [[nodiscard]] Attempt<void> store_presence(const RackPresence& presence);
  [[nodiscard]] Attempt<void> raise_alarms(const std::vector<PartCheck>& checks, bool listed);
  void checkpoint();
  [[nodiscard]] Result<void> ready();
  Error failed(const char* what, const DatabaseError& error);

  StoreCore& core_;
  Archive archive_;
  Ledger ledger_;
  AuditState audit_;
  OpenIntents::Counts open_intents_;  // as committed
};

}  // namespace fluxrig::sink
