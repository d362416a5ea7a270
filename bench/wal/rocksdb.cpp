#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/version.h>

#include <atomic>
#include <memory>

#include "base/bytes.hpp"
#include "bench/give_up.hpp"
#include "bench/wal/peers.hpp"

namespace fluxrig::bench {
namespace {

// As many logs as may wait for their tables to be written, to be overwritten instead of made anew: twice as
// fast as its default with one writer here.
constexpr std::size_t kRecycledLogs = 4;

void check(const rocksdb::Status& status) {
  if (!status.ok()) give_up("RocksDB: " + status.ToString());
}

}  // namespace

Measured run_rocksdb(const Load& load, const std::string& record) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.recycle_log_file_num = kRecycledLogs;
  rocksdb::DB* opened = nullptr;
  check(rocksdb::DB::Open(options, load.directory + "/records", &opened));
  const std::unique_ptr<rocksdb::DB> database(opened);
  rocksdb::WriteOptions write;
  write.sync = load.commit;
  std::atomic<std::uint64_t> sequence{0};
  auto measured = run_threads(load, [&](unsigned) -> Append {
    return [&] {
      const std::uint64_t key = __builtin_bswap64(sequence.fetch_add(1, std::memory_order_relaxed));
      check(database->Put(write, {reinterpret_cast<const char*>(&key), sizeof key}, record));
    };
  });
  check(database->Close());
  return measured;
}

std::string rocksdb_version() { return rocksdb::GetRocksVersionAsString(true); }

}  // namespace fluxrig::bench
