// Sends requests over many connections and takes the replies: one thread, one epoll, no allocation per
// request beyond the protocol's. With a rate, requests are due at fixed times whatever the system does (open
// model); without, each connection sends again as soon as it is answered (closed loop).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "fluxrig/load_connection.hpp"
#include "fluxrig/load_ledger.hpp"
#include "fluxrig/load_protocol.hpp"
#include "fluxrig/load_statistics.hpp"

namespace fluxrig::client {

struct LoadPlan {
  unsigned connections = 32;
  unsigned in_flight = 1;      // requests that wait on one connection at most
  double rate = 0;             // requests a second over all connections; 0: closed loop
  std::uint64_t requests = 0;  // no more than so many; 0: as the duration gives
  std::int64_t duration = 10 * kNanosPerSecond;
  std::int64_t timeout = 5 * kNanosPerSecond;

  // Requests that will be due in all; UINT64_MAX: no limit but the duration.
  [[nodiscard]] std::uint64_t total() const noexcept;
  // When request `index` (from 0) is due, in ns from the start; open model.
  [[nodiscard]] std::int64_t due(std::uint64_t index) const noexcept;
};

class LoadEngine {
 public:
  static constexpr unsigned kMostConnections = 10'000;
  static constexpr std::int64_t kSweepEvery = 20 * kNanosPerMilli;  // time-outs and reconnects
  static constexpr std::int64_t kFirstRetry = 10 * kNanosPerMilli;
  static constexpr std::int64_t kLongestRetry = kNanosPerSecond;

  struct Parts {
    LoadProtocol& protocol;
    LoadStatistics& statistics;
    const Clock& clock;
    const std::atomic<bool>& stop;  // set by a signal: send no more, await what is under way
    LoadLedger* ledger = nullptr;   // may be null
    std::function<void(std::int64_t elapsed)> each_second;
  };
  LoadEngine(LoadPlan plan, Parts parts, LoadAddress address);
  ~LoadEngine();
  LoadEngine(const LoadEngine&) = delete;
  LoadEngine& operator=(const LoadEngine&) = delete;

  // Opens all connections, then runs the plan. Ends at the latest a time-out after the plan's end.
  [[nodiscard]] Outcome<void> run();

 private:
  using Index = std::uint32_t;

  [[nodiscard]] Outcome<void> open_all();
  void loop();
  [[nodiscard]] bool finished() const noexcept;
  void issue();
  void issue_due();
  void issue_closed();
  void send_one(Index index, std::int64_t due);
  [[nodiscard]] bool take_free(Index& index);
  void offer(Index index);

  void open(Index index);
  void lose(Index index, LoadError error);
  void close(Index index);
  void watch(Index index, bool write, bool added);
  void flush(Index index);
  void read(Index index);
  [[nodiscard]] bool take_reply(Index index, const LoadReply& reply);
  void handle(std::uint64_t tag, std::uint32_t events);
  void sweep();
  void wait(std::int64_t until);
  [[nodiscard]] std::int64_t next_wake() const noexcept;

  LoadPlan plan_;
  Parts parts_;
  LoadAddress address_;
  int epoll_ = -1;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  std::deque<Index> free_;
  std::size_t connecting_ = 0;
  std::uint64_t waiting_ = 0;  // over all connections
  std::uint64_t next_ = 0;     // requests issued or given up
  std::uint64_t total_ = 0;
  std::int64_t now_ = 0;
  std::int64_t start_ = 0;
  std::int64_t end_ = 0;  // of the closed loop
  std::int64_t sweep_at_ = 0;
  std::int64_t second_at_ = 0;
};

}  // namespace fluxrig::client
