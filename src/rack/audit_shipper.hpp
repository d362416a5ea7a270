// One stretch of the audit WAL on its way to the mixer: blocks, many to a message, that stay on disk until
// the mixer's receipt. The link has two of them side by side, one for what is written now and one for the
// backlog; the mixer takes blocks in any order. No bus of its own: the link publishes what this hands out and
// says what became of it. One thread (the link's); what Source names outlives it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "wal/cursor.hpp"
#include "wal/receipts.hpp"

namespace fluxrig::rack {

class AuditShipper {
 public:
  static constexpr std::size_t kUnreceiptedWindow = 4096;                 // messages without a receipt
  static constexpr std::int64_t kReceiptPatience = 30 * kNanosPerSecond;  // then they are sent again
  static constexpr std::int64_t kRetryAfter = 500 * kNanosPerMilli;       // after the stream refused

  using Position = wal::Cursor::Start;
  struct Stretch {
    Position from;                               // zeros: the oldest there is
    std::optional<Position> end = std::nullopt;  // not included; nullopt: whatever will be written
  };
  struct Source {
    wal::Disk& disk;
    const std::string& directory;
    const wal::DurableLimit& durable;
    const wal::Receipts& receipts;                           // kept up to date by the link
    std::function<void(const wal::Damage&)> on_damage = {};  // a frame that cannot be sent; may be empty
  };
  struct Message {
    Bytes payload;  // blocks one after the other
    std::vector<std::pair<Epoch, wal::SequenceRange>> ranges;
    std::uint64_t records = 0;
  };
  // Which blocks go: all without a receipt; or also those that the mixer's chain has not passed.
  enum class Round : std::uint8_t { kReceipts, kChain };

  AuditShipper(Source source, Stretch stretch);

  // From the beginning of the stretch; what has its receipt is passed over. Idempotent: the mixer knows what
  // it has.
  void go_back(Round round = Round::kReceipts);
  void move_to(Stretch stretch, Round round = Round::kReceipts);
  // A stretch with an end goes on up to this later one; what was handed out stays so.
  void extend(Position end);

  // The next message, at least one block and no further block beyond `bytes`; nullptr: nothing for now. Stays
  // the answer until sent().
  [[nodiscard]] const Message* next(std::size_t bytes, MonotonicNanos now);
  void sent(MonotonicNanos now);
  // The stream's word on one message that was sent.
  void acknowledged(bool taken) noexcept;
  // After new receipts; the number of records that got theirs.
  std::uint64_t forget_receipted();
  // Goes back when the stream refused or the receipts do not come; true: it did for want of receipts.
  [[nodiscard]] bool repair(MonotonicNanos now);

  // Everything on disk in the stretch has been handed out, and has its receipt; also what came onto the disk
  // since next() was last asked.
  [[nodiscard]] bool settled() const;
  [[nodiscard]] bool caught_up() const noexcept { return caught_up_ && !held_; }
  // Everything before `position` was handed out, or needs not to be.
  [[nodiscard]] bool passed(const Position& position) const noexcept;
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] std::uint64_t resends() const noexcept { return resends_; }  // times repair() went back
  [[nodiscard]] Round round() const noexcept { return round_; }
  [[nodiscard]] std::optional<MonotonicNanos> due() const noexcept;
  // What was not sent up to the end of the stretch as it was when it was set, in bytes on disk; an upper
  // bound, since segments have room in them, and more than 0 where the disk did not say. 0 for a stretch
  // without end.
  [[nodiscard]] std::uint64_t bytes_left() const noexcept;

 private:
  struct Shipped {
    Epoch epoch;
    wal::SequenceRange range;
    MonotonicNanos at;
  };
  [[nodiscard]] bool collect(std::size_t bytes);
  [[nodiscard]] bool read_next();
  [[nodiscard]] bool pass_damage();
  [[nodiscard]] bool beyond(const model::BlockHead& head) const noexcept;
  [[nodiscard]] bool wanted(const model::BlockHead& head, const wal::SequenceRange& range) const;
  void add(const wal::StoredBlock& block, Message& message) const;
  void measure();

  Source source_;
  Stretch stretch_;
  Round round_ = Round::kReceipts;
  std::unique_ptr<wal::Cursor> cursor_;
  Position read_{}, handed_{};  // one past the last block that was read; of a message that was sent
  wal::SegmentName segment_;    // of the last block, and where it ended
  std::uint64_t offset_ = 0;
  std::map<wal::SegmentName, std::uint64_t> sizes_;  // of the segments in a stretch with an end
  bool measured_ = true;                             // sizes_ has all of them
  std::optional<wal::StoredBlock> next_;             // the cursor's last, not yet in a message
  std::optional<Message> held_;
  std::deque<Shipped> shipped_;
  std::size_t in_flight_ = 0;
  std::uint64_t resends_ = 0;
  bool refused_ = false;  // the stream did not take one: back once nothing is in flight
  bool caught_up_ = false;
  wal::DurablePosition caught_up_at_;
  bool past_end_ = false;  // the cursor has seen the end of the stretch
  MonotonicNanos retry_at_{};
};

}  // namespace fluxrig::rack
