#include "sink/duckdb/database.hpp"

#include <fmt/format.h>

#include <cerrno>

namespace fluxrig::sink {

bool DatabaseError::invalidates() const noexcept {
  return of_commit || type == DUCKDB_ERROR_FATAL || type == DUCKDB_ERROR_INTERNAL ||
         message.find("database has been invalidated") != std::string::npos;
}

bool DatabaseError::out_of_space() const noexcept {
  return message.find("No space left on device") != std::string::npos ||
         message.find("Disk quota exceeded") != std::string::npos;
}

Error DatabaseError::to_error() const noexcept {
  if (out_of_space()) return {ErrorCode::kFull, ENOSPC, "no space left for the store"};
  if (type == DUCKDB_ERROR_OUT_OF_MEMORY)
    return {ErrorCode::kUnavailable, ENOMEM, "the store's memory limit is reached"};
  if (type == DUCKDB_ERROR_INTERRUPT) return {ErrorCode::kTimeout, 0, "the statement was interrupted"};
  if (invalidates()) return {ErrorCode::kInternal, 0, "the store had to be opened again"};
  return {ErrorCode::kIo, 0, "the store refused the statement"};
}

tl::unexpected<DatabaseError> database_error(duckdb_error_type type, const char* message) {
  return tl::unexpected<DatabaseError>(DatabaseError{type, message != nullptr ? message : "unknown"});
}

std::string quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted += '\'';
}

ResultStream::ResultStream(ResultStream&& other) noexcept : result_(std::exchange(other.result_, {})) {}
ResultStream& ResultStream::operator=(ResultStream&& other) noexcept {
  std::swap(result_, other.result_);
  return *this;
}
ResultStream::~ResultStream() { duckdb_destroy_result(&result_); }

Attempt<duckdb_data_chunk> ResultStream::next() noexcept {
  while (auto* chunk = duckdb_fetch_chunk(result_)) {
    if (duckdb_data_chunk_get_size(chunk) > 0) return chunk;
    duckdb_destroy_data_chunk(&chunk);
  }
  // A null chunk is the end or a failure: only the result tells.
  const char* message = duckdb_result_error(&result_);
  if (message != nullptr) return database_error(duckdb_result_error_type(&result_), message);
  return nullptr;
}

Attempt<void> Statement::bind_one(idx_t index, std::string_view value) {
  if (duckdb_bind_varchar_length(statement_, index, value.data(), value.size()) == DuckDBError)
    return database_error(DUCKDB_ERROR_BINDER, duckdb_prepare_error(statement_));
  return {};
}

Attempt<void> Statement::bind(std::initializer_list<std::string_view> values) {
  idx_t index = 1;
  for (const auto value : values)
    if (auto bound = bind_one(index++, value); !bound) return bound;
  return {};
}

Attempt<ResultStream> Statement::execute() {
  ResultStream result;
  if (duckdb_execute_prepared(statement_, &result.raw()) == DuckDBError)
    return database_error(duckdb_result_error_type(&result.raw()), duckdb_result_error(&result.raw()));
  return result;
}

Attempt<ResultStream> Statement::execute_streaming() {
  duckdb_pending_result pending = nullptr;
  if (duckdb_pending_prepared_streaming(statement_, &pending) == DuckDBError) {
    auto error = database_error(DUCKDB_ERROR_BINDER, duckdb_pending_error(pending));
    duckdb_destroy_pending(&pending);
    return error;
  }
  ResultStream result;
  const auto state = duckdb_execute_pending(pending, &result.raw());
  duckdb_destroy_pending(&pending);
  if (state == DuckDBError)
    return database_error(duckdb_result_error_type(&result.raw()), duckdb_result_error(&result.raw()));
  return result;
}

Attempt<ResultStream> Connection::query(const std::string& sql) {
  ResultStream result;
  if (duckdb_query(connection_, sql.c_str(), &result.raw()) == DuckDBError)
    return database_error(duckdb_result_error_type(&result.raw()), duckdb_result_error(&result.raw()));
  return result;
}

Attempt<void> Connection::run(const std::string& sql) {
  auto result = query(sql);
  if (!result) return tl::unexpected(std::move(result.error()));
  return {};
}

Attempt<Statement> Connection::prepare(const std::string& sql) {
  duckdb_prepared_statement raw = nullptr;
  const auto state = duckdb_prepare(connection_, sql.c_str(), &raw);
  Statement statement(raw);
  if (state == DuckDBError) return database_error(DUCKDB_ERROR_PARSER, duckdb_prepare_error(raw));
  return statement;
}

Attempt<Connection> Database::connect() const {
  duckdb_connection connection = nullptr;
  if (duckdb_connect(database_, &connection) == DuckDBError)
    return database_error(DUCKDB_ERROR_CONNECTION, "cannot connect to the database");
  return Connection(connection);
}

Attempt<Database> Database::open(const DatabaseSettings& settings) {
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) == DuckDBError)
    return database_error(DUCKDB_ERROR_OUT_OF_MEMORY, "no memory for the configuration");
  const std::pair<const char*, std::string> options[] = {
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"threads", std::to_string(settings.threads)},
      {"memory_limit", fmt::format("{}KiB", settings.memory_limit_bytes / 1024)},
  };
  bool accepted = true;
  for (const auto& [name, value] : options)
    accepted = accepted && duckdb_set_config(config, name, value.c_str()) == DuckDBSuccess;
  duckdb_database raw = nullptr;
  char* message = nullptr;
  const auto state = accepted ? duckdb_open_ext(settings.file.c_str(), &raw, config, &message) : DuckDBError;
  duckdb_destroy_config(&config);
  Database database(raw);
  if (state == DuckDBError) {
    auto error = database_error(DUCKDB_ERROR_IO, message != nullptr ? message : "a setting was not accepted");
    duckdb_free(message);
    return error;
  }
  auto connection = database.connect();
  if (!connection) return tl::unexpected(std::move(connection.error()));
  // The order matters: once external access is off and the settings are locked, no later statement of any
  // connection can widen them again.
  auto locked = connection->run(
      fmt::format("SET GLOBAL TimeZone='UTC'; SET GLOBAL wal_autocheckpoint='1024TiB'; PRAGMA "
                  "disable_checkpoint_on_shutdown; SET GLOBAL max_temp_directory_size='1GB'; "
                  "SET GLOBAL allowed_directories=[{}]; SET GLOBAL enable_external_access=false; "
                  "SET GLOBAL lock_configuration=true;",
                  quote(settings.readable_directory)));
  if (!locked) return tl::unexpected(std::move(locked.error()));
  return database;
}

}  // namespace fluxrig::sink
