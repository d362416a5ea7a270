// Watches the racks' audit chains as their blocks arrive: follows each epoch by previous hashes, verifies
// checkpoints with the machine's pinned key, compares the ends that epochs name, and raises alarms. Blocks
// may come late, twice and in any order. One object judges one batch against the state as last committed;
// what it changes is committed with the batch, so a failed commit leaves nothing behind. No thread, clock or
// store of its own. One thread. docs/formats/audit.md.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "sink/sink.hpp"
#include "wal/checkpoint.hpp"
#include "wal/control_body.hpp"

namespace fluxrig::mixer {

class ChainWatch {
 public:
  // How long a rack that is connected may take to send what is missing before it is a gap.
  static constexpr std::int64_t kPatience = 120 * kNanosPerSecond;

  enum class Verdict : std::uint8_t {
    kNew,     // store it
    kRepeat,  // it is stored already
    kFork,    // another block has its place: never store it
  };
  // Since when this machine has been connected without interruption; nullopt: it is away.
  using PresentSince = std::function<std::optional<UnixNanos>(const MachineId&)>;

  ChainWatch(const sink::AuditState& committed, UnixNanos now) : committed_(committed), now_(now) {}

  // What must be known of the store before these blocks can be judged: about those that do not just continue
  // a chain. Hand the answers to remember().
  struct Question {
    sink::StreamKey stream;
    Sequence from;
    Sequence to;
    std::vector<model::Hash> hashes;
  };
  [[nodiscard]] std::vector<Question> questions(std::span<const sink::IncomingBlock> blocks) const;
  void remember(const sink::StreamKey& stream, std::span<const sink::KnownBlock> known);

  // In the order of arrival; lane audit. The block's machine is the one that sent it.
  Verdict judge(const sink::IncomingBlock& block);
  // The rack's directory knows of no start after `before`, and `known` has said hello: an older copy came
  // back.
  void take_start(const sink::StreamKey& stream, const std::string& rack, Epoch before, Epoch known);
  // Turns what has been missing for too long into gaps.
  void look_for_gaps(const PresentSince& present);
  // Joins what belongs together, ends alarms that no longer hold. Last.
  [[nodiscard]] sink::AuditChanges finish();

 private:
  struct HashKey {
    std::size_t operator()(const model::Hash& hash) const noexcept {
      std::size_t value = 0;
      std::memcpy(&value, hash.data(), sizeof value);
      return value;
    }
  };
  struct Draft {
    sink::EpochChain chain;
    std::unordered_map<model::Hash, model::Hash, HashKey> successors;  // previous to hash, known and new
    std::unordered_map<model::Hash, bool, HashKey> hashes;             // known and new
    std::size_t last_piece = 0;  // the one that grew last: the next block probably continues it
  };
  struct Finding {
    sink::AlarmKind kind;
    Sequence first;
    Sequence last;
    std::string what;
    std::string rack = {};  // empty: the chain's
  };

  [[nodiscard]] Draft& draft(const sink::StreamKey& stream);
  [[nodiscard]] const sink::EpochChain* chain_of(const sink::StreamKey& stream) const;
  [[nodiscard]] std::optional<std::size_t> continued(Draft& draft, const model::Hash& previous) const;
  [[nodiscard]] static bool collides(const Draft& draft, const sink::IncomingBlock& block);
  Verdict extend(Draft& draft, std::size_t piece, const sink::IncomingBlock& block);
  void add_piece(Draft& draft, const sink::IncomingBlock& block);
  Verdict take_late(Draft& draft, const sink::IncomingBlock& block);
  void meet(Draft& draft, std::size_t piece, const sink::IncomingBlock& block);
  Verdict fork(const sink::IncomingBlock& block);

  // chain_control.cpp
  void take_control(const sink::IncomingBlock& block, sink::ChainPiece& piece);
  void take_header(const sink::IncomingBlock& block, ByteView body);
  void take_link(const sink::IncomingBlock& block, const std::optional<wal::EpochLink>& named);
  [[nodiscard]] const sink::AuditKey* pinned_key(const sink::StreamKey& stream) const;
  void take_checkpoint(const sink::IncomingBlock& block, ByteView body, sink::ChainPiece& piece);
  void take_loss(const sink::IncomingBlock& block, const wal::LossBody& loss);
  [[nodiscard]] std::optional<Epoch> newest_before(const sink::StreamKey& stream) const;

  // chain_alarms.cpp
  void raise(const sink::StreamKey& stream, Finding finding);
  void raise_rollback(const sink::StreamKey& stream, Finding finding);
  void note_loss(const sink::StreamKey& stream, const wal::LossBody& loss, Finding finding);
  void resolve(const sink::AuditAlarm& alarm);
  [[nodiscard]] std::vector<sink::AuditAlarm> open_alarms(const sink::StreamKey& stream,
                                                          sink::AlarmKind kind) const;
  [[nodiscard]] bool is_closed(const sink::StreamKey& stream, sink::AlarmKind kind, Sequence first,
                               Sequence last) const;
  void settle(const sink::StreamKey& stream, sink::EpochChain& chain);

  const sink::AuditState& committed_;
  const UnixNanos now_;
  std::map<sink::StreamKey, Draft> drafts_;
  sink::AuditKeys keys_;
  std::map<std::uint64_t, sink::AuditAlarm> alarms_;  // new and changed
  std::uint64_t alarms_made_ = 0;
};

}  // namespace fluxrig::mixer
