#include "rack/outbox.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

namespace fluxrig::rack {
namespace {

// The link looks at its work in steps of some milliseconds; so much earlier than its turn a piece may go,
// unless the link is narrow and its time is looked at exactly.
constexpr std::int64_t kEarly = 5 * kNanosPerMilli;
constexpr std::int64_t kOutcomeSoon = 2 * kNanosPerMilli;
// A rack's memory is bounded: P2 in flight is kept until its outcome.
constexpr std::uint64_t kLargestWindow = 2U << 20;

pressure::TunnelWindow::Options window_options() {
  pressure::TunnelWindow::Options options;
  options.largest_window = kLargestWindow;
  return options;
}

}  // namespace

// Touched by the bus's callbacks; it outlives the outbox. Any thread.
struct Outbox::Shared {
  struct Said {
    std::uint64_t id = 0;
    Word word = Word::kTaken;
    MonotonicNanos at;
  };
  std::mutex mutex;  // guards the two below
  Wake wake;
  std::vector<Said> said;               // bounded by the window
  std::atomic<std::size_t> open{0};     // counted up before a publish, down by its callback
  std::atomic<bool> wants_room{false};  // the link stopped at the window: the next word wakes it

  void say(Said one) {
    {
      const std::lock_guard lock(mutex);
      said.push_back(one);
    }
    const bool last = open.fetch_sub(1, std::memory_order_acq_rel) == 1;
    // Waking for each acknowledgement would cost more than the window gains.
    if (!wants_room.exchange(false, std::memory_order_acq_rel) && one.word == Word::kTaken && !last) return;
    const std::lock_guard lock(mutex);
    wake();
  }
};

Outbox::Outbox(snake::Bus& bus, const Clock& clock, Wake wake, std::shared_ptr<DelayLog> others)
    : bus_(bus),
      clock_(clock),
      window_(window_options()),
      shared_(std::make_shared<Shared>()),
      others_(std::move(others)) {
  shared_->wake = std::move(wake);
}

Outbox::~Outbox() {
  // Callbacks of publishes that are still in flight find nobody to wake.
  const std::lock_guard lock(shared_->mutex);
  shared_->wake = [] {};
}

std::size_t Outbox::chunk_bytes() const noexcept { return static_cast<std::size_t>(window_.chunk_bytes()); }

bool Outbox::has_room(std::size_t bytes) {
  const MonotonicNanos now = clock_.monotonic();
  const bool narrow = window_.narrow();
  const std::int64_t early = narrow ? 0 : std::min(kEarly, window_.target_nanos());
  paced_until_.reset();
  look_again_.reset();
  if (window_.may_send(bytes, now, early)) return true;
  if (window_.next_send() > now) paced_until_ = MonotonicNanos{window_.next_send().value - early};
  if (narrow) look_again_ = paced_until_.value_or(MonotonicNanos{now.value + kOutcomeSoon});
  // Looked at by each callback after it has left its word: one of the two sees the other.
  shared_->wants_room.store(true, std::memory_order_release);
  return false;
}

bool Outbox::send(Piece piece) {
  const std::uint64_t id = next_id_++;
  const std::size_t bytes = piece.payload.size();
  shared_->open.fetch_add(1, std::memory_order_acq_rel);
  // No message id: only the mixer's ledger decides what is a duplicate.
  const auto sent = bus_.publish_stream(
      snake::Outgoing{std::move(piece.subject), {}, std::move(piece.payload), {}},
      [shared = shared_, id, &clock = clock_](const Result<snake::PublishReceipt>& receipt) {
        shared->say({id, word_of(receipt), clock.monotonic()});
      });
  if (!sent) {
    shared_->open.fetch_sub(1, std::memory_order_acq_rel);
    return false;
  }
  const MonotonicNanos now = clock_.monotonic();
  sensor_.sent(bytes, now);
  in_flight_.emplace(id, InFlight{piece.flow, window_.sent(bytes, now), std::move(piece.done)});
  ++counts_[static_cast<std::size_t>(piece.flow)];
  return true;
}

void Outbox::settle() {
  paced_until_.reset();  // whoever still waits asks again
  look_again_.reset();
  std::vector<Shared::Said> said;
  {
    const std::lock_guard lock(shared_->mutex);
    said.swap(shared_->said);
  }
  if (others_)
    for (const auto& [bytes, delay, at] : others_->take()) {
      window_.observe(bytes, delay, at);
      sensor_.observe(delay, at);
    }
  for (const auto& [id, word, at] : said) {
    const auto found = in_flight_.find(id);
    if (found == in_flight_.end()) continue;
    const InFlight one = std::move(found->second);
    in_flight_.erase(found);
    --counts_[static_cast<std::size_t>(one.flow)];
    note(one, word, at);
    one.done(word == Word::kTaken);
  }
}

Outbox::Word Outbox::word_of(const Result<snake::PublishReceipt>& receipt) noexcept {
  if (receipt) return Word::kTaken;
  if (receipt.error().code == ErrorCode::kTimeout) return Word::kNoAnswer;
  return receipt.error().code == ErrorCode::kUnavailable ? Word::kLost : Word::kRefused;
}

void Outbox::note(const InFlight& one, Word word, MonotonicNanos at) {
  if (word == Word::kTaken)
    window_.acknowledged(one.ticket, at);
  else
    window_.failed(one.ticket, at);
  if (word == Word::kTaken || word == Word::kRefused)
    sensor_.acknowledged(one.ticket.bytes, at.value - one.ticket.sent_at.value, at);
  else
    sensor_.failed(one.ticket.bytes, at);
}

void Outbox::abandon() {
  for (auto& [id, one] : std::exchange(in_flight_, {})) one.done(false);
  counts_ = {};
}

void Outbox::disconnected() {
  window_.disconnected();
  sensor_.disconnected(clock_.monotonic());
}

std::optional<MonotonicNanos> Outbox::next_reading() const {
  const MonotonicNanos now = clock_.monotonic();
  if (empty() && sensor_.read(now).level == 0) return std::nullopt;
  return MonotonicNanos{now.value + pressure::TunnelSensor::kReadEvery};
}

}  // namespace fluxrig::rack
