#include "snake/nats_core.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/random.hpp"
#include "snake/acknowledgement.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::snake {

namespace {

constexpr std::chrono::milliseconds kDrainTimeout{1000};
constexpr std::chrono::milliseconds kCloseTimeout{5000};

// The text between the first pair of quotes after "for Publish to": the server's words for a refused publish.
std::string_view refused_subject(std::string_view text) noexcept {
  constexpr std::string_view kWords = "for Publish to \"";
  auto at = text.find(kWords);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + kWords.size());
  return text.substr(0, text.find('"'));
}

// The client hands out its own buffer, into which its reading thread may be writing the next error: read
// until two readings agree, and never beyond its end.
std::string last_error_of(natsConnection* connection) {
  constexpr std::size_t kMostBytes = 255;
  constexpr int kMostReadings = 8;
  const char* buffer = nullptr;
  (void)natsConnection_GetLastError(connection, &buffer);
  if (buffer == nullptr) return {};
  const auto read = [&] { return std::string(buffer, ::strnlen(buffer, kMostBytes)); };
  std::string text = read();
  for (int i = 1; i < kMostReadings; ++i) {
    std::string again = read();
    if (again == text) break;
    text = std::move(again);
  }
  return text;
}

}  // namespace

NatsBus::Core::Core(NatsOptions options, Diagnostics& diagnostics)
    : window({.messages = options.max_in_flight,
              .bytes = options.max_in_flight_bytes,
              .timeout_nanos = options.publish_timeout.count() * kNanosPerMilli}),
      options_(std::move(options)),
      diagnostics_(diagnostics) {}

Outcome<void> NatsBus::Core::open() {
  std::string text;
  auto first = make_options(false);
  if (!first) return problem(first.error().message);
  kept_by_library_ = shared_from_this();
  natsStatus status = connect_once(first->get(), text);
  if (status == NATS_OK) {
    on_connected();
  } else if (options_.retry_first_connect) {
    diagnostics_.warn("snake", explain_connect(status, text, options_) + "; trying again until it does");
    auto again = make_options(true);
    if (!again) return problem(again.error().message);
    status = connect_once(again->get(), text);
    if (status == NATS_OK) on_connected();
    if (status == NATS_NOT_YET_CONNECTED) status = NATS_OK;
  }
  auto random = SeededRandom::from_system();
  answer_prefix_ = fmt::format("{}.ack{:016x}.", inbox_prefix(options_.inbox), random.next());
  if (status == NATS_OK) status = listen_for_answers(connection_.get());
  // Refused twice by now it is closed, at any of these steps: each says so in a word of its own.
  if (status != NATS_OK && options_.reopen_when_refused && connection_ != nullptr &&
      natsConnection_IsClosed(connection_.get()))
    status = NATS_OK;
  if (status != NATS_OK) {
    const auto message = explain_connect(status, text, options_);
    if (connection_ != nullptr)
      close();
    else
      kept_by_library_.reset();
    return problem(message);
  }
  watcher_ = std::thread([this] { watch(); });
  return {};
}

natsStatus NatsBus::Core::connect_once(natsOptions* options, std::string& text) {
  natsConnection* raw = nullptr;
  const natsStatus status = natsConnection_Connect(&raw, options);
  connection_ = std::shared_ptr<natsConnection>(raw, natsConnection_Destroy);
  if (raw == nullptr) connection_.reset();
  native.connection = raw;
  if (status != NATS_OK && status != NATS_NOT_YET_CONNECTED) {
    const char* last = nats_GetLastError(nullptr);
    text = last == nullptr ? "" : last;
  }
  return status;
}

natsStatus NatsBus::Core::listen_for_answers(natsConnection* connection) {
  natsSubscription* raw = nullptr;
  auto status = natsConnection_Subscribe(
      &raw, connection, (answer_prefix_ + "*").c_str(),
      [](natsConnection*, natsSubscription*, natsMsg* message, void* self) {
        static_cast<Core*>(self)->on_answer(message);
      },
      this);
  answers_.reset(raw);
  if (status == NATS_OK)
    status = natsSubscription_SetOnCompleteCB(
        raw, [](void* self) { static_cast<Core*>(self)->on_answers_ended(); }, this);
  if (status == NATS_OK) answers_ended_ = false;
  // As many answers as publishes can wait: dropping one would look like a time-out.
  if (status == NATS_OK) status = natsSubscription_SetPendingLimits(raw, -1, -1);
  jsCtx* jetstream = nullptr;
  if (status == NATS_OK && !native.jetstream) {
    status = natsConnection_JetStream(&jetstream, connection, nullptr);
    native.jetstream.reset(jetstream);
  }
  return status;
}

Result<void> NatsBus::Core::publish_stream(const Outgoing& message, PublishDone done) {
  if (auto checked = check_subject(message.subject); !checked) return checked;
  if (!connected()) return fail(ErrorCode::kUnavailable, "no connection to the server");
  auto opened =
      window.open(message.payload.size() + message.subject.size(), std::move(done), clock_.monotonic());
  if (!opened) return tl::unexpected<Error>(opened.error());
  const auto reply = fmt::format("{}{}", answer_prefix_, opened->ticket);
  auto native_message = to_message(message, reply.c_str());
  if (native_message) window.set_subject(opened->ticket, message.subject);
  const natsStatus status = native_message
                                ? natsConnection_PublishMsg(connection().get(), native_message->get())
                                : NATS_INVALID_ARG;
  if (status != NATS_OK && window.cancel(opened->ticket))
    return native_message ? tl::unexpected<Error>(to_error(status))
                          : tl::unexpected<Error>(native_message.error());
  published_.fetch_add(1, std::memory_order_relaxed);
  if (opened->first && watcher_idle_.load()) {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  return {};
}

void NatsBus::Core::on_answer(natsMsg* raw) {
  const MessageHandle message(raw);
  const std::string_view subject = natsMsg_GetSubject(raw);
  PublishWindow::Ticket ticket = 0;
  bool known = subject.size() > answer_prefix_.size();
  for (const char c : subject.substr(known ? answer_prefix_.size() : 0)) {
    known = known && c >= '0' && c <= '9';
    ticket = ticket * 10 + static_cast<PublishWindow::Ticket>(c - '0');
  }
  if (!known) return;
  Result<PublishReceipt> result = fail(ErrorCode::kUnavailable, "no stream listens on the subject");
  if (!natsMsg_IsNoResponders(raw))
    result =
        parse_publish_answer({natsMsg_GetData(raw), static_cast<std::size_t>(natsMsg_GetDataLength(raw))});
  if (result && result->duplicate) duplicates_.fetch_add(1, std::memory_order_relaxed);
  if (!window.complete(ticket, result, result ? &acknowledged_ : &refused_))
    late_answers_.fetch_add(1, std::memory_order_relaxed);
}

void NatsBus::Core::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (closed_ && options_.reopen_when_refused)
      reopen(lock);
    else
      watch_deadline(lock);
  }
}

void NatsBus::Core::watch_deadline(std::unique_lock<std::mutex>& lock) {
  watcher_idle_.store(true);
  const auto deadline = window.next_deadline();
  if (!deadline) {
    changed_.wait(lock);
    return;
  }
  watcher_idle_.store(false);
  const auto left = deadline->value - clock_.monotonic().value;
  if (left > 0) {
    changed_.wait_for(lock, std::chrono::nanoseconds(left));
    return;
  }
  lock.unlock();
  window.expire(clock_.monotonic(), &timed_out_);
  lock.lock();
}

void NatsBus::Core::on_error(natsStatus status) {
  if (status == NATS_SLOW_CONSUMER) {
    slow_subscriptions_.fetch_add(1, std::memory_order_relaxed);
    diagnostics_.warn("snake",
                      "a subscription is over its bounds: deliveries are dropped until it catches up");
    return;
  }
  const auto open = connection();
  const std::string text = open ? last_error_of(open.get()) : "";
  diagnostics_.warn("snake",
                    fmt::format("the server reports: {}", text.empty() ? natsStatus_GetText(status) : text));
  if (status != NATS_NOT_PERMITTED) return;
  const auto subject = refused_subject(text);
  if (!subject.empty())
    window.fail_subject(subject, {ErrorCode::kRefused, 0, "the server does not permit the subject"},
                        &refused_);
}

void NatsBus::Core::on_connected() {
  connected_.store(true, std::memory_order_release);
  connects_.fetch_add(1, std::memory_order_relaxed);
  report(ConnectionState::kConnected);
}

void NatsBus::Core::on_disconnected() {
  connected_.store(false, std::memory_order_release);
  disconnects_.fetch_add(1, std::memory_order_relaxed);
  window.fail_all({ErrorCode::kUnavailable, 0, "the connection was lost"}, &lost_connection_);
  report(ConnectionState::kDisconnected);
}

void NatsBus::Core::on_closed() {
  const bool again = options_.reopen_when_refused && !destroying_.load();
  connected_.store(false, std::memory_order_release);
  if (!destroying_.load()) {
    if (!again)
      diagnostics_.error(
          "snake",
          "the connection is closed for good: the server refused this certificate twice; check it with "
          "'fluxrig pki show', reload the mixer, then start again");
    window.fail_all({ErrorCode::kUnavailable, 0, "the connection is closed"}, &lost_connection_);
  }
  report(again ? ConnectionState::kDisconnected : ConnectionState::kClosed);
  std::shared_ptr<Core> last;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  if (!again) last = std::move(kept_by_library_);
  changed_.notify_all();
}

void NatsBus::Core::on_answers_ended() {
  const std::lock_guard lock(mutex_);
  answers_ended_ = true;
  changed_.notify_all();
}

void NatsBus::Core::report(ConnectionState state) {
  if (options_.on_state) options_.on_state(state);
}

void NatsBus::Core::close() {
  destroying_.store(true);
  {
    // A connection that is being opened is waited for: connect_timeout bounds it.
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (watcher_.joinable()) watcher_.join();
  const auto last = connection();
  if (connected()) (void)natsConnection_FlushTimeout(last.get(), kDrainTimeout.count());
  natsConnection_Close(last.get());
  std::shared_ptr<Core> kept;  // where the library has closed for good before
  {
    std::unique_lock lock(mutex_);
    (void)changed_.wait_for(lock, kCloseTimeout, [this] { return closed_ && answers_ended_; });
    kept = std::move(kept_by_library_);
  }
  window.fail_all({ErrorCode::kUnavailable, 0, "the bus is closed"}, &lost_connection_);
  native.jetstream.reset();
  answers_.reset();
}

NatsCounters NatsBus::Core::counters() const noexcept {
  const auto read = [](const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  return {.published = read(published_),
          .acknowledged = read(acknowledged_),
          .duplicates = read(duplicates_),
          .refused = read(refused_),
          .timed_out = read(timed_out_),
          .lost_connection = read(lost_connection_),
          .late_answers = read(late_answers_),
          .deliveries = read(deliveries),
          .slow_subscriptions = read(slow_subscriptions_),
          .connects = read(connects_),
          .disconnects = read(disconnects_)};
}

}  // namespace fluxrig::snake
