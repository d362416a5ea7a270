#include "sink/duckdb/store_core.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sink/duckdb/schema.hpp"

namespace fluxrig::sink {
namespace {

// A checkpoint that failed has cost the reopening of the file.
constexpr std::int64_t kBetweenCheckpoints = 60 * kNanosPerSecond;

// False: less is free, as far as the file system says.
bool is_free(const std::filesystem::path& directory, std::uint64_t bytes) {
  struct statvfs space {};
  return ::statvfs(directory.c_str(), &space) != 0 ||
         static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize >= bytes;
}

// Blocks behind the end of the file, which stays where it is: what is appended goes there. 0, or the errno.
int take_blocks(const std::string& file, std::uint64_t bytes) {
  const int number = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (number < 0) return errno;
  const auto end = ::lseek(number, 0, SEEK_END);
  const int failure =
      end < 0 || ::fallocate(number, FALLOC_FL_KEEP_SIZE, end, static_cast<off_t>(bytes)) != 0 ? errno : 0;
  ::close(number);
  return failure;
}

}  // namespace

StoreCore::~StoreCore() {
  pool.detach();
  if (is_open() && log_bytes() > 0) (void)connection_->run("CHECKPOINT");
  close();
}

Attempt<void> StoreCore::open() {
  auto database = Database::open({.file = file(),
                                  .readable_directory = parquet().string(),
                                  .memory_limit_bytes = options.memory_limit_bytes,
                                  .threads = options.threads});
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

// DuckDB appends to its log, creates it when it is missing, and cuts it after a checkpoint, with these
// blocks: they are taken anew. A file system that cannot do this, or a limit of the process, leaves the
// guess.
Attempt<void> StoreCore::room(Need need) const {
  const auto bytes = need == Need::kUsual ? options.log_room_bytes : options.log_room_bytes / 8;
  if (bytes == 0) return {};
  const int failure = take_blocks(log(), bytes);
  if (failure == 0) return {};
  if (failure != ENOSPC && failure != EDQUOT && is_free(options.directory, bytes)) return {};
  return database_error(
      DUCKDB_ERROR_IO,
      fmt::format("No space left on device: {} KiB are not to be had for the log", bytes / 1024).c_str());
}

std::uint64_t StoreCore::log_bytes() const {
  std::error_code missing;
  const auto size = std::filesystem::file_size(log(), missing);
  return missing ? 0 : size;
}

// It writes the rows of the log, compressed, and anew what stood beside them in their row groups: a fraction
// of the log as a rule. On a disk that grows scarce it comes early, while there is room for it, and then
// gives the log's room back. Where it may fail for want of room no select runs meanwhile.
Attempt<void> StoreCore::checkpoint_when_due() {
  const auto bytes = log_bytes();
  const auto now = clock.monotonic();
  const auto free = [&](std::uint64_t wanted) { return is_free(options.directory, wanted); };
  const bool scarce = bytes >= std::max<std::uint64_t>(options.log_room_bytes, 1) && !free(2 * bytes);
  if ((bytes < options.checkpoint_bytes && !scarce) || now < next_checkpoint_ || !free(bytes / 4)) return {};
  next_checkpoint_ = {now.value + kBetweenCheckpoints};
  const bool alone = !free(bytes);
  if (alone) pool.detach();
  auto done = connection_->run("CHECKPOINT");
  if (done) next_checkpoint_ = {};
  if (alone && (done || !done.error().invalidates())) start_selects();
  return done;
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
  if (committed)
    connection_ = nullptr;
  else
    committed.error().of_commit = true;
  return committed;
}

}  // namespace fluxrig::sink
