#include <sqlite3.h>

#include <memory>
#include <mutex>

#include "bench/give_up.hpp"
#include "bench/wal/peers.hpp"

namespace fluxrig::bench {
namespace {

constexpr int kBusyMillis = 60'000;

class Connection {
 public:
  Connection(const std::string& path, bool commit, bool alone) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path.c_str(), &database_, flags, nullptr) != SQLITE_OK) refuse("open");
    sqlite3_busy_timeout(database_, kBusyMillis);
    // Without the shared index of the log, which one connection does not need.
    if (alone) run("pragma locking_mode=exclusive");
    run("pragma journal_mode=wal");
    run(commit ? "pragma synchronous=full" : "pragma synchronous=normal");
    run("create table if not exists records (sequence integer primary key, record blob not null)");
    if (sqlite3_prepare_v2(database_, "insert into records (record) values (?)", -1, &insert_, nullptr) !=
        SQLITE_OK)
      refuse("prepare");
  }
  ~Connection() {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // A transaction by itself: on disk when it returns.
  void insert(const std::string& record) {
    sqlite3_bind_blob(insert_, 1, record.data(), static_cast<int>(record.size()), SQLITE_STATIC);
    if (sqlite3_step(insert_) != SQLITE_DONE) refuse("insert");
    sqlite3_reset(insert_);
  }

 private:
  void run(const char* statement) {
    if (sqlite3_exec(database_, statement, nullptr, nullptr, nullptr) != SQLITE_OK) refuse(statement);
  }
  [[noreturn]] void refuse(const char* what) const {
    give_up(std::string("SQLite, ") + what + ": " + sqlite3_errmsg(database_));
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

}  // namespace

Measured run_sqlite(const Load& load, SqliteWay way, const std::string& record) {
  const std::string path = load.directory + "/records.db";
  std::mutex mutex;
  if (way == SqliteWay::kShared) {
    Connection shared(path, load.commit, true);
    return run_threads(load, [&](unsigned) -> Append {
      return [&] {
        const std::lock_guard lock(mutex);
        shared.insert(record);
      };
    });
  }
  const Connection first(path, load.commit, false);  // makes the table before the writers meet
  return run_threads(load, [&](unsigned) -> Append {
    const std::lock_guard lock(mutex);
    auto own = std::make_shared<Connection>(path, load.commit, false);
    return [&record, own] { own->insert(record); };
  });
}

std::string sqlite_version() { return sqlite3_libversion(); }

}  // namespace fluxrig::bench
