// The open database with all that shares its life: opened once, and again after what it holds in memory is no
// longer what is on the disk. With DuckDB 1.4.4 that is after a failed write, in two ways:
//
// - COMMIT takes its rows out of the tables again, but not their texts out of the texts' memory. Rows that
//   come next read as longer texts than were given, or as memory that is not theirs (a crash), and the next
//   checkpoint would write that down.
// - A checkpoint leaves tables half converted: they may read as empty, and the next one would write that
//   down.
//
// Both leave the files as they were before. So after either the database is closed without another checkpoint
// and opened again. A select that runs at that very moment may crash, so on a full disk neither is let
// happen: a COMMIT has its space on the disk before it starts, and a checkpoint is a step of its own. When
// DuckDB does one within a COMMIT, it leaves the transaction out of its log, and a failure takes that with
// it.
//
// One thread (ingest), except what SelectPool guards itself.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sink/duckdb/database.hpp"
#include "sink/duckdb/select_pool.hpp"
#include "sink/duckdb_sink.hpp"

namespace fluxrig::sink {

class StoreCore {
 public:
  StoreCore(StoreOptions wanted, const Clock& time, Diagnostics& lines)
      : options(std::move(wanted)),
        clock(time),
        diagnostics(lines),
        pool(options.select_connections, options.directory / "parquet") {}
  // Moves the log into the file first, so that the next start has nothing to replay.
  ~StoreCore();

  // Opens the file, creates missing tables and makes the ingest connection. Selects start with
  // start_selects().
  [[nodiscard]] Attempt<void> open();
  void start_selects() { pool.attach(*database_); }
  // Interrupts selects, closes all connections and the file, and writes nothing.
  void close();

  enum class Need {
    kUsual,
    kLittle,  // an eighth: for what makes room, or says what is wrong
  };
  // Takes StoreOptions::log_room_bytes of the disk for the log, behind its end; before each transaction.
  // Fails as a full disk does.
  [[nodiscard]] Attempt<void> room(Need need) const;
  // When the log has grown long, or long for the room that the disk has; after a failure not for a minute. A
  // failure invalidates the database; what was committed stands.
  [[nodiscard]] Attempt<void> checkpoint_when_due();

  [[nodiscard]] bool is_open() const noexcept { return connection_.has_value(); }
  [[nodiscard]] Connection& connection() noexcept { return *connection_; }
  [[nodiscard]] std::string file() const { return (options.directory / "store.duckdb").string(); }
  [[nodiscard]] std::filesystem::path parquet() const { return options.directory / "parquet"; }
  // True: the step named must fail (tests).
  [[nodiscard]] bool fails_at(std::string_view step) const {
    return options.fail_point && options.fail_point(step);
  }

  const StoreOptions options;
  const Clock& clock;
  Diagnostics& diagnostics;
  SelectPool pool;

 private:
  [[nodiscard]] std::string log() const { return file() + ".wal"; }
  [[nodiscard]] std::uint64_t log_bytes() const;

  std::optional<Database> database_;
  std::optional<Connection> connection_;
  MonotonicNanos next_checkpoint_;  // not before
};

// One transaction of the ingest connection: rolled back unless commit() succeeded.
class StoreTransaction {
 public:
  [[nodiscard]] static Attempt<StoreTransaction> begin(Connection& connection);
  StoreTransaction(StoreTransaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  StoreTransaction& operator=(StoreTransaction&&) = delete;
  ~StoreTransaction();
  [[nodiscard]] Attempt<void> commit();  // its failure invalidates the database

 private:
  explicit StoreTransaction(Connection& connection) noexcept : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace fluxrig::sink
