// The systems that fluxrig's lane is compared with. Each run makes its own database in the load's directory.
#pragma once

#include <string>
#include <string_view>

#include "bench/wal/load.hpp"

namespace fluxrig::bench {

// SQLite in WAL mode; synchronous=FULL for commit, NORMAL otherwise.
enum class SqliteWay : std::uint8_t {
  kShared,       // one connection behind a mutex, locking_mode=EXCLUSIVE
  kConnections,  // one connection a writer, busy handler as the library has it
};
[[nodiscard]] Measured run_sqlite(const Load& load, SqliteWay way, const std::string& record);

// RocksDB with WriteOptions::sync for commit, and its own group commit; logs are recycled, nothing
// compressed.
[[nodiscard]] Measured run_rocksdb(const Load& load, const std::string& record);

[[nodiscard]] std::string sqlite_version();
[[nodiscard]] std::string rocksdb_version();

}  // namespace fluxrig::bench
