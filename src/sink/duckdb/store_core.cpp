#include "sink/duckdb/store_core.hpp"

#include "sink/duckdb/schema.hpp"

namespace fluxrig::sink {

Attempt<void> StoreCore::open() {
  auto database = Database::open({.file = file(),
                                  .readable_directory = parquet().string(),
                                  .memory_limit_bytes = options.memory_limit_bytes,
                                  .threads = options.threads,
                                  .wal_autocheckpoint_bytes = options.wal_autocheckpoint_bytes});
  if (!database) return tl::unexpected(std::move(database.error()));
  auto connection = database->connect();
  if (!connection) return tl::unexpected(std::move(connection.error()));
  if (auto created = connection->run(create_tables_sql()); !created) return created;
  database_ = std::move(*database);
  connection_ = std::move(*connection);
  return {};
}

void StoreCore::close() {
  pool.detach();
  connection_.reset();
  database_.reset();
}

Attempt<StoreTransaction> StoreTransaction::begin(Connection& connection) {
  if (auto begun = connection.run("BEGIN TRANSACTION"); !begun)
    return tl::unexpected(std::move(begun.error()));
  return StoreTransaction(connection);
}

StoreTransaction::~StoreTransaction() {
  // A commit that failed has ended the transaction already: this one's failure says nothing new.
  if (connection_ != nullptr) (void)connection_->run("ROLLBACK");
}

Attempt<void> StoreTransaction::commit() {
  auto committed = connection_->run("COMMIT");
  if (committed) connection_ = nullptr;
  return committed;
}

}  // namespace fluxrig::sink
