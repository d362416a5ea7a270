#include "sink/duckdb/select_pool.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sink/duckdb/near_select.hpp"
#include "sink/duckdb/result_table.hpp"
#include "sink/duckdb/select_guard.hpp"
#include "sink/duckdb/utf8_text.hpp"

namespace fluxrig::sink {
namespace {

// An interrupt that arrives before the statement starts is forgotten: it is repeated this often until it
// ends.
constexpr std::chrono::milliseconds kInterruptAgain{20};
// Below StoreOptions::retired_file_grace_ms: a select must end before the files that it reads may go.
constexpr std::int64_t kLongestMs = 60'000;
constexpr const char* kBeingOpened = "the store is being opened again: try again in a moment";

Outcome<QueryTable> run(Connection& connection, const std::string& sql,
                        std::span<const std::string> parameters, const QueryLimits& limits) {
  auto statement = prepare_select(connection, sql);
  if (!statement) return tl::unexpected(std::move(statement.error()));
  return run_prepared(*statement, parameters, limits);
}

}  // namespace

SelectPool::SelectPool(std::size_t connections, std::filesystem::path parquet)
    : connections_(std::max<std::size_t>(connections, 1)),
      parquet_(std::move(parquet)),
      watchdog_([this] { watch(); }) {}

SelectPool::~SelectPool() {
  detach();
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  watchdog_.join();
}

void SelectPool::attach(const Database& database) {
  const std::lock_guard guard(mutex_);
  database_ = &database;
  changed_.notify_all();
}

void SelectPool::detach() {
  std::unique_lock lock(mutex_);
  database_ = nullptr;
  for (auto* lease : running_) lease->deadline = {};
  changed_.notify_all();
  changed_.wait(lock, [this] { return leased_ == 0; });
  idle_.clear();
}

Outcome<std::unique_ptr<SelectPool::Lease>> SelectPool::lease(Time deadline) {
  std::unique_lock lock(mutex_);
  const auto ticket = next_ticket_++;
  waiting_.insert(ticket);
  const bool free = changed_.wait_until(lock, deadline, [&] {
    return database_ != nullptr && leased_ < connections_ && *waiting_.begin() == ticket;
  });
  waiting_.erase(ticket);
  changed_.notify_all();  // the next in line may have its turn already
  if (!free)
    return problem(
        database_ == nullptr
            ? std::string(kBeingOpened)
            : fmt::format("{} queries run already and none ended in time: try again later", connections_));
  // Connecting takes microseconds; under the lock, detach() cannot pull the database away meanwhile.
  if (idle_.empty()) {
    auto connection = database_->connect();
    if (!connection) return problem(std::move(connection.error().message));
    idle_.push_back(std::move(*connection));
  }
  auto lease = std::make_unique<Lease>(Lease{std::move(idle_.back()), deadline});
  idle_.pop_back();
  ++leased_;
  running_.push_back(lease.get());
  return lease;
}

void SelectPool::give_back(std::unique_ptr<Lease> lease) {
  const std::lock_guard guard(mutex_);
  std::erase(running_, lease.get());
  --leased_;
  // An interrupt may still be on its way to an expired one.
  if (database_ != nullptr && !lease->expired) idle_.push_back(std::move(lease->connection));
  lease.reset();  // closes the connection before detach() may go on
  changed_.notify_all();
}

void SelectPool::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = std::chrono::steady_clock::now();
    auto wake = Time::max();
    for (auto* lease : running_) {
      if (lease->deadline > now) {
        wake = std::min(wake, lease->deadline);
        continue;
      }
      lease->expired = true;
      lease->connection.interrupt();
      wake = std::min(wake, now + kInterruptAgain);
    }
    if (wake == Time::max())
      changed_.wait(lock);
    else
      changed_.wait_until(lock, wake);
  }
}

Outcome<QueryTable> SelectPool::select(std::string_view sql, std::span<const std::string> parameters,
                                       const QueryLimits& limits) {
  std::string scratch;
  if (sql.size() > kMaxSqlBytes)
    return problem(fmt::format("the statement has {} bytes; {} are accepted", sql.size(), kMaxSqlBytes));
  if (sql.find('\0') != std::string_view::npos || valid_utf8(sql, scratch) != sql)
    return problem("the statement is not UTF-8 text");
  return within_time(
      limits, [&](Connection& connection) { return run(connection, std::string(sql), parameters, limits); });
}

Outcome<QueryTable> SelectPool::select_near(const Nearby& nearby, std::string_view sql,
                                            std::span<const std::string> parameters,
                                            const QueryLimits& limits) {
  const NearSelect what{nearby, sql, parameters, limits};
  return within_time(limits, [&](Connection& connection) { return run_near(connection, parquet_, what); });
}

Outcome<QueryTable> SelectPool::within_time(const QueryLimits& limits, const Work& work) {
  const auto time_ms = std::clamp<std::int64_t>(limits.time_ms, 1, kLongestMs);
  auto leased = lease(std::chrono::steady_clock::now() + std::chrono::milliseconds(time_ms));
  if (!leased) return tl::unexpected(std::move(leased.error()));
  auto table = work((*leased)->connection);
  bool expired = false;
  bool closed = false;
  {
    const std::lock_guard guard(mutex_);
    expired = (*leased)->expired;
    closed = (*leased)->deadline == Time{};
  }
  give_back(std::move(*leased));
  if (!table && closed) return problem(kBeingOpened);
  if (!table && expired)
    return problem(
        fmt::format("the query was stopped after {} ms: narrow it, for example with a range of start_time "
                    "or date, or give it more time",
                    time_ms));
  return table;
}

}  // namespace fluxrig::sink
