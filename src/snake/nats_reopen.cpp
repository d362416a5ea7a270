// Another connection after the library has given one up: it does so when the server refuses a certificate
// twice, which is what a rack meets that starts before its mixer knows it.
#include <fmt/format.h>

#include <algorithm>

#include "base/random.hpp"
#include "snake/nats_core.hpp"
#include "snake/nats_subscription.hpp"

namespace fluxrig::snake {
namespace {
constexpr std::chrono::milliseconds kAnswersEnd{5'000};
}

std::shared_ptr<natsConnection> NatsBus::Core::connection() const noexcept {
  const std::lock_guard lock(connection_mutex_);
  return connection_;
}

std::uint64_t NatsBus::Core::session() const noexcept {
  natsStatistics* raw = nullptr;
  if (natsStatistics_Create(&raw) != NATS_OK) return 0;
  const std::unique_ptr<natsStatistics, NativeDelete<natsStatistics_Destroy>> statistics(raw);
  // The library counts a reconnect before it takes publishes for it.
  std::uint64_t ignored = 0;
  std::uint64_t reconnects = 0;
  const auto generation = generation_.load();
  (void)natsConnection_GetStats(connection().get(), raw);
  (void)natsStatistics_GetCounts(raw, &ignored, &ignored, &ignored, &ignored, &reconnects);
  return (generation << 32) + reconnects;
}

void NatsBus::Core::remember(const std::shared_ptr<SubscriptionState>& subscription) {
  const std::lock_guard lock(connection_mutex_);
  subscriptions_.erase(std::remove_if(subscriptions_.begin(), subscriptions_.end(),
                                      [](const auto& known) { return known.expired(); }),
                       subscriptions_.end());
  subscriptions_.push_back(subscription);
}

// One pause, one try. The lock is free meanwhile.
void NatsBus::Core::reopen(std::unique_lock<std::mutex>& lock) {
  if (reopen_wait_.count() == 0) {
    reopen_wait_ = options_.first_reopen_wait;
    diagnostics_.error(
        "snake",
        fmt::format("the server refuses the certificate '{}': trying again every {} to {} s; if it is new, "
                    "send the mixer SIGHUP; if not, look at it with 'fluxrig pki show' or issue another",
                    options_.certificate, options_.first_reopen_wait.count() / 1000,
                    options_.longest_reopen_wait.count() / 1000));
  }
  auto random = SeededRandom::from_system();
  const auto jitter = random.below(static_cast<std::uint64_t>(reopen_wait_.count()) / 4 + 1);
  const auto pause = reopen_wait_ + std::chrono::milliseconds(jitter);
  if (changed_.wait_for(lock, pause, [this] { return stopping_; })) return;
  // Its last callback could otherwise end the new connection's answers.
  (void)changed_.wait_for(lock, kAnswersEnd, [this] { return answers_ended_ || stopping_; });
  if (stopping_) return;
  closed_ = false;  // before the connection exists: it may be closed again at once
  lock.unlock();
  const bool connected = connect_again();
  lock.lock();
  if (connected) {
    reopen_wait_ = std::chrono::milliseconds(0);
    reopen_trouble_.clear();
    return;
  }
  closed_ = true;
  reopen_wait_ = std::min(2 * reopen_wait_, options_.longest_reopen_wait);
}

bool NatsBus::Core::connect_again() {
  auto prepared = make_options(false);
  std::string trouble;
  natsConnection* raw = nullptr;
  if (prepared) {
    const auto status = natsConnection_Connect(&raw, prepared->get());
    const char* last = status == NATS_OK ? nullptr : nats_GetLastError(nullptr);
    if (status != NATS_OK) trouble = explain_connect(status, last == nullptr ? "" : last, options_);
  } else {
    trouble = prepared.error().message;
  }
  if (!trouble.empty()) {
    if (trouble != reopen_trouble_) diagnostics_.warn("snake", trouble + "; trying again");
    reopen_trouble_ = trouble;
    return false;
  }
  const std::shared_ptr<natsConnection> fresh(raw, natsConnection_Destroy);
  std::shared_ptr<natsConnection> before;  // destroyed outside the lock
  {
    const std::lock_guard lock(connection_mutex_);
    before = std::exchange(connection_, fresh);
    native.connection = raw;
    generation_.fetch_add(1);
  }
  // A failure means that it is closed again, which on_closed has said or will say.
  (void)listen_for_answers(raw);
  attach_all(raw);
  diagnostics_.info("snake", "the server accepts the certificate now; connected");
  on_connected();
  return true;
}

void NatsBus::Core::attach_all(natsConnection* connection) {
  std::vector<std::weak_ptr<SubscriptionState>> known;
  {
    const std::lock_guard lock(connection_mutex_);
    known = subscriptions_;
  }
  for (const auto& subscription : known)
    if (const auto state = subscription.lock()) (void)SubscriptionState::attach(state, connection);
}

}  // namespace fluxrig::snake
