// The C API of DuckDB as owned values: database, connection, statement, result. Nothing here throws; a
// failure carries DuckDB's own kind and message. Database: any thread. Connection and what it makes: one
// thread at a time, except interrupt().
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace fluxrig::sink {

struct DatabaseError {
  duckdb_error_type type = DUCKDB_ERROR_INVALID;
  std::string message;
  // Of a COMMIT: what the database holds in memory cannot be trusted any more (store_core.hpp).
  bool of_commit = false;

  // The database must be opened again before anything else is asked of it.
  [[nodiscard]] bool invalidates() const noexcept;
  [[nodiscard]] bool out_of_space() const noexcept;
  [[nodiscard]] Error to_error() const noexcept;
};
template <typename T>
using Attempt = tl::expected<T, DatabaseError>;

[[nodiscard]] tl::unexpected<DatabaseError> database_error(duckdb_error_type type, const char* message);

// A result in chunks; `stream` results are produced as they are fetched.
class ResultStream {
 public:
  ResultStream() noexcept = default;
  ResultStream(ResultStream&& other) noexcept;
  ResultStream& operator=(ResultStream&& other) noexcept;
  ~ResultStream();

  [[nodiscard]] idx_t columns() noexcept { return duckdb_column_count(&result_); }
  // nullptr: the end. The caller destroys the chunk.
  [[nodiscard]] Attempt<duckdb_data_chunk> next() noexcept;
  [[nodiscard]] duckdb_result& raw() noexcept { return result_; }

 private:
  duckdb_result result_{};
};

class Statement {
 public:
  explicit Statement(duckdb_prepared_statement statement) noexcept : statement_(statement) {}
  Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(statement_, other.statement_);
    return *this;
  }
  ~Statement() { duckdb_destroy_prepare(&statement_); }

  [[nodiscard]] duckdb_statement_type type() const noexcept {
    return duckdb_prepared_statement_type(statement_);
  }
  [[nodiscard]] idx_t parameters() const noexcept { return duckdb_nparams(statement_); }
  // Binds $1, $2, ... as text.
  [[nodiscard]] Attempt<void> bind(std::initializer_list<std::string_view> values);
  [[nodiscard]] Attempt<void> bind_one(idx_t index, std::string_view value);
  [[nodiscard]] Attempt<ResultStream> execute();
  [[nodiscard]] Attempt<ResultStream> execute_streaming();

 private:
  duckdb_prepared_statement statement_ = nullptr;
};

class Connection {
 public:
  explicit Connection(duckdb_connection connection) noexcept : connection_(connection) {}
  Connection(Connection&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Connection& operator=(Connection&& other) noexcept {
    std::swap(connection_, other.connection_);
    return *this;
  }
  ~Connection() { duckdb_disconnect(&connection_); }

  // Runs all statements of the text.
  [[nodiscard]] Attempt<void> run(const std::string& sql);
  [[nodiscard]] Attempt<ResultStream> query(const std::string& sql);
  [[nodiscard]] Attempt<Statement> prepare(const std::string& sql);
  void interrupt() const noexcept { duckdb_interrupt(connection_); }  // any thread
  [[nodiscard]] duckdb_connection raw() const noexcept { return connection_; }

 private:
  duckdb_connection connection_ = nullptr;
};

struct DatabaseSettings {
  std::string file;
  std::string readable_directory;  // the only directory that SQL may read or write; absolute
  std::uint64_t memory_limit_bytes = 0;
  std::uint32_t threads = 1;
};

class Database {
 public:
  // Opens or creates the file, with file access, settings and extensions locked for every connection. The
  // database never checkpoints by itself, neither in a commit nor when it is closed: the owner says when.
  [[nodiscard]] static Attempt<Database> open(const DatabaseSettings& settings);
  Database(Database&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Database& operator=(Database&& other) noexcept {
    std::swap(database_, other.database_);
    return *this;
  }
  ~Database() { duckdb_close(&database_); }
  [[nodiscard]] Attempt<Connection> connect() const;

 private:
  explicit Database(duckdb_database database) noexcept : database_(database) {}
  duckdb_database database_ = nullptr;
};

// 'it''s': a string literal of SQL.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace fluxrig::sink
