// Read-only SQL beside the ingest: a bounded pool of connections and one watchdog thread that interrupts what
// runs over its time. Any thread. What may run: exactly one SELECT (docs/formats/store.md, "SQL"); the
// database itself refuses files, settings and extensions (database.cpp), this class everything that is not a
// query.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "sink/duckdb/database.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

class SelectPool final : public Queries {
 public:
  // `parquet`: where the files that parquet_files names are.
  SelectPool(std::size_t connections, std::filesystem::path parquet);
  ~SelectPool() override;

  // The database must stay until detach(), which interrupts what runs, waits for it and closes the
  // connections.
  void attach(const Database& database);
  void detach();

  [[nodiscard]] Outcome<QueryTable> select(std::string_view sql, std::span<const std::string> parameters,
                                           const QueryLimits& limits) override;
  [[nodiscard]] Outcome<QueryTable> select_near(const Nearby& nearby, std::string_view sql,
                                                std::span<const std::string> parameters,
                                                const QueryLimits& limits) override;
  [[nodiscard]] Outcome<CheckedFiles> check_files(std::uint64_t after) override;  // file_page.cpp

  static constexpr std::size_t kMaxSqlBytes = 64U << 10;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Lease {
    Connection connection;
    Time deadline;
    bool expired = false;  // guarded by mutex_
  };
  using Work = std::function<Outcome<QueryTable>(Connection&)>;
  [[nodiscard]] Outcome<QueryTable> within_time(const QueryLimits& limits, const Work& work);
  [[nodiscard]] Outcome<std::unique_ptr<Lease>> lease(Time deadline);
  void give_back(std::unique_ptr<Lease> lease);
  void watch();

  const std::size_t connections_;
  const std::filesystem::path parquet_;
  std::mutex mutex_;
  std::condition_variable changed_;  // a lease came or went, attach, detach, stop
  const Database* database_ = nullptr;
  std::vector<Connection> idle_;
  std::vector<Lease*> running_;
  std::size_t leased_ = 0;  // running_, and those that are being made
  // Who waits for a connection, first come first served: a client in a tight loop must not starve another.
  std::set<std::uint64_t> waiting_;
  std::uint64_t next_ticket_ = 0;
  bool stopping_ = false;
  std::thread watchdog_;
};

}  // namespace fluxrig::sink
