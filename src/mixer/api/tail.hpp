// Live transactions for those who watch: each client has its own bounded queue of JSON lines; what does not
// fit is counted and told to that client. The ingest thread publishes, socket threads take. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "mixer/ingest.hpp"

namespace fluxrig::mixer {

struct TailFilter {
  std::string rack;  // empty: all
  std::optional<model::TransactionOutcome> outcome;
  std::int64_t min_duration_nanos = 0;
  [[nodiscard]] bool admits(const StoredTransaction& stored) const;
};

class TailSubscription {
 public:
  static constexpr std::size_t kMaxBytes = 1U << 20;

  explicit TailSubscription(TailFilter filter) : filter_(std::move(filter)) {}

  // `wake` is called, from any thread and not under the lock, when lines wait that were not there before. Set
  // once.
  void on_lines(std::function<void()> wake);
  // All waiting lines, each with its newline; a line {"type":"dropped","count":n} first when some were
  // dropped.
  [[nodiscard]] std::string take();

  void offer(const StoredTransaction& stored, const std::string& line);
  void wake_if_waiting();

 private:
  const TailFilter filter_;
  std::mutex mutex_;
  std::function<void()> wake_;
  std::string lines_;
  std::uint64_t dropped_ = 0;
  bool woken_ = false;
};

class TailHub {
 public:
  static constexpr std::size_t kMaxClients = 32;

  // nullptr: kMaxClients already watch. Ends when the last owner lets go.
  [[nodiscard]] std::shared_ptr<TailSubscription> subscribe(TailFilter filter);
  void publish(const std::vector<StoredTransaction>& stored);
  [[nodiscard]] std::size_t clients();

 private:
  [[nodiscard]] std::vector<std::shared_ptr<TailSubscription>> living();

  std::mutex mutex_;
  // Weak: the client's connection owns its subscription, and its end is the subscription's end.
  std::vector<std::weak_ptr<TailSubscription>> subscriptions_;
};

[[nodiscard]] std::optional<model::TransactionOutcome> parse_outcome(std::string_view text);
// One line of the stream, with its newline.
[[nodiscard]] std::string tail_line(const StoredTransaction& stored);

}  // namespace fluxrig::mixer
