// The open database with all that shares its life: opened once, and again after DuckDB gave it up (a failed
// write of its file invalidates it for the whole process). One thread (ingest), except what SelectPool guards
// itself.
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
  ~StoreCore() { close(); }

  // Opens the file, creates missing tables and makes the ingest connection. Selects start with
  // start_selects().
  [[nodiscard]] Attempt<void> open();
  void start_selects() { pool.attach(*database_); }
  // Interrupts selects, closes all connections and the file.
  void close();

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
  std::optional<Database> database_;
  std::optional<Connection> connection_;
};

// One transaction of the ingest connection: rolled back unless commit() succeeded.
class StoreTransaction {
 public:
  [[nodiscard]] static Attempt<StoreTransaction> begin(Connection& connection);
  StoreTransaction(StoreTransaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  StoreTransaction& operator=(StoreTransaction&&) = delete;
  ~StoreTransaction();
  [[nodiscard]] Attempt<void> commit();

 private:
  explicit StoreTransaction(Connection& connection) noexcept : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace fluxrig::sink
