// What the library's callbacks touch: the window, the counters, the state. Private to this module. Held by
// the bus and, until the library has reported the end of the connection, by the library.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "snake/nats_bus.hpp"
#include "snake/nats_native.hpp"
#include "snake/publish_window.hpp"

namespace fluxrig::snake {

struct SubscriptionState;

class NatsBus::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(NatsOptions options, Diagnostics& diagnostics);

  // Opens the connection; on success the library holds this object until on_closed.
  [[nodiscard]] Outcome<void> open();
  void close();

  [[nodiscard]] Result<void> publish_stream(const Outgoing& message, PublishDone done);
  [[nodiscard]] NatsCounters counters() const noexcept;
  // Never null once open() succeeded; may be closed.
  [[nodiscard]] std::shared_ptr<natsConnection> connection() const noexcept;
  [[nodiscard]] std::uint64_t session() const noexcept;
  // Attached again to each connection that is opened later.
  void remember(const std::shared_ptr<SubscriptionState>& subscription);

  NatsNative native;
  PublishWindow window;
  // Each counter stands alone: relaxed.
  std::atomic<std::uint64_t> deliveries{0};

  [[nodiscard]] const NatsOptions& options() const noexcept { return options_; }
  // As the callbacks said last. Never asks the library: it holds its own lock while it connects again, for as
  // long as a server takes that does not answer.
  [[nodiscard]] bool connected() const noexcept { return connected_.load(std::memory_order_acquire); }

 private:
  [[nodiscard]] Outcome<OptionsHandle> make_options(bool retry);
  [[nodiscard]] natsStatus connect_once(natsOptions* options, std::string& text);
  [[nodiscard]] natsStatus listen_for_answers(natsConnection* connection);
  void watch();
  void watch_deadline(std::unique_lock<std::mutex>& lock);
  // nats_reopen.cpp
  void reopen(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool connect_again();
  void attach_all(natsConnection* connection);
  void on_answer(natsMsg* message);
  void on_error(natsStatus status);
  void on_connected();
  void on_disconnected();
  void on_closed();
  void on_answers_ended();
  void report(ConnectionState state);

  const NatsOptions options_;
  Diagnostics& diagnostics_;
  SystemClock clock_;
  mutable std::mutex connection_mutex_;  // guards the two below
  std::shared_ptr<natsConnection> connection_;
  std::vector<std::weak_ptr<SubscriptionState>> subscriptions_;
  std::atomic<std::uint64_t> generation_{0};  // of connection_
  SubscriptionHandle answers_;
  std::string answer_prefix_;  // "_INBOX_<inbox>.ack<random>."

  std::mutex mutex_;  // guards the four below
  std::condition_variable changed_;
  bool stopping_ = false;
  bool closed_ = false;
  bool answers_ended_ = true;  // no callback of the answers' subscription runs any more
  std::shared_ptr<Core> kept_by_library_;
  std::thread watcher_;                       // of deadlines, and of the end of the connection
  std::chrono::milliseconds reopen_wait_{0};  // the watcher's
  std::string reopen_trouble_;                // the watcher's: what was told last

  // True while the watcher sleeps without a deadline. Set before it looks at the window, read after a publish
  // entered it: one of the two sees the other.
  std::atomic<bool> watcher_idle_{false};
  std::atomic<bool> destroying_{false};
  std::atomic<bool> connected_{false};  // stored by the callbacks, read by connected()
  std::atomic<std::uint64_t> published_{0}, acknowledged_{0}, duplicates_{0}, refused_{0}, timed_out_{0},
      lost_connection_{0}, late_answers_{0}, slow_subscriptions_{0}, connects_{0}, disconnects_{0};
};

}  // namespace fluxrig::snake
