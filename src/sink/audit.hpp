// What the store keeps of the racks' audit chains beside their blocks: how far each chain is whole, the keys
// that sign them, and what was found wrong. The mixer's chain watch makes it; the sink stores it in the same
// transaction as the blocks. docs/formats/audit.md. Values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "model/block.hpp"

namespace fluxrig::sink {

// One stream of records: what sequences count in.
struct StreamKey {
  MachineId machine_id;
  model::Lane lane = model::Lane::kAudit;
  Epoch epoch;
  friend auto operator<=>(const StreamKey&, const StreamKey&) = default;
};

// Blocks of one epoch that follow each other without a hole.
struct ChainPiece {
  model::Hash before{};   // what the first of them names as previous; zeros: the epoch begins here
  model::Hash head{};     // of the last of them
  Sequence first;         // of the first of them
  Sequence next;          // one more than the last record's
  UnixNanos arrived;      // of the first that came: since when what precedes it is awaited
  bool given_up = false;  // an alarm has told that what precedes it is missing: receipts pass over it
  std::uint64_t checkpoints = 0;
  model::Hash first_names{};  // the statement that the first of them names
  model::Hash last_statement{};
  Sequence signed_to;  // by the last one whose signature is good; 0: none
  UnixNanos signed_at;
  std::string drops;  // JSON object, cause to count; empty: none
  friend bool operator==(const ChainPiece&, const ChainPiece&) = default;

  [[nodiscard]] bool begins() const noexcept { return before == model::Hash{}; }
};

using SequencePair = std::pair<Sequence, Sequence>;  // inclusive

struct EpochChain {
  static constexpr std::size_t kMaxPieces = 128;
  static constexpr std::size_t kMaxDeclared = 1'000;
  struct End {  // where the next epoch's header says that this one ended
    Sequence next;
    model::Hash head{};
    UnixNanos arrived;
    bool given_up = false;
    friend bool operator==(const End&, const End&) = default;
  };
  std::string rack;
  std::vector<ChainPiece> pieces;  // by their first sequence
  std::optional<End> end;
  // Sequences that the rack has declared lost; second = first - 1: only blocks without records.
  std::vector<SequencePair> declared;
  bool untracked = false;  // more pieces came than are kept track of
  friend bool operator==(const EpochChain&, const EpochChain&) = default;
};

enum class AlarmKind : std::uint8_t {
  kGap,           // blocks are missing, and the rack has had time to send them
  kFork,          // two contents for one place
  kRollback,      // a later epoch names an end that is lower than a known one
  kAlteration,    // a block, or a stored file, does not say what its signed statement, or its hash, says
  kBadSignature,  // a checkpoint is not signed by the machine's key
  kKeyChanged,    // a header names another key than the pinned one
  kDeclaredLoss,  // the rack itself says that records are lost: a notice
};
[[nodiscard]] std::string_view to_string(AlarmKind kind) noexcept;
[[nodiscard]] std::optional<AlarmKind> parse_alarm_kind(std::string_view text) noexcept;
[[nodiscard]] constexpr bool is_notice(AlarmKind kind) noexcept { return kind == AlarmKind::kDeclaredLoss; }
// What is wrong stays in the store and is looked at again and again: the hole, the rack's end, the file.
[[nodiscard]] constexpr bool is_standing(AlarmKind kind) noexcept {
  return kind == AlarmKind::kGap || kind == AlarmKind::kRollback || kind == AlarmKind::kAlteration;
}

struct AuditAlarm {
  std::uint64_t id = 0;
  StreamKey stream;  // StreamKey{}: of the store itself, not of a machine
  std::string rack;
  AlarmKind kind = AlarmKind::kGap;
  Sequence first;           // the first that is concerned
  Sequence last;            // inclusive; 0: not known
  std::string what;         // a sentence
  std::uint64_t count = 1;  // how often it was found
  UnixNanos raised;
  UnixNanos latest;
  std::optional<UnixNanos> resolved;
  bool closed = false;  // by an operator: what is still as it was found is not told again
  friend bool operator==(const AuditAlarm&, const AuditAlarm&) = default;
};

struct AuditKey {
  std::array<std::uint8_t, 32> key{};
  UnixNanos pinned;
  friend bool operator==(const AuditKey&, const AuditKey&) = default;
};

// From which epoch on a key is the machine's, up to the next one's; the first that was pinned: from epoch 0.
struct KeyPlace {
  MachineId machine_id;
  Epoch from;
  friend auto operator<=>(const KeyPlace&, const KeyPlace&) = default;
};
using AuditKeys = std::map<KeyPlace, AuditKey>;
// The key that holds for this epoch; nullptr: none is known.
[[nodiscard]] const AuditKey* key_for(const AuditKeys& keys, const MachineId& machine, Epoch epoch);

// What an operator did, for good: rows are only ever added.
struct OperatorAction {
  std::string action;  // "alarm_closed", "key_accepted", "dead_letter_retried", "dead_letter_dropped"
  UnixNanos time;
  std::string who;  // as the client says: the API knows one token, not persons
  std::string reason;
  MachineId machine_id;     // {}: about no machine
  std::uint64_t alarm = 0;  // 0: about none
  std::string detail;       // the key, the dead letter
  friend bool operator==(const OperatorAction&, const OperatorAction&) = default;
};

struct AuditState {
  std::map<StreamKey, EpochChain> epochs;  // lane audit
  AuditKeys keys;
  std::map<std::uint64_t, AuditAlarm> open;    // unresolved, by id
  std::map<std::uint64_t, AuditAlarm> closed;  // by operators, of kinds that would be found again
  std::uint64_t next_alarm = 1;
};

// What a batch changes: whole new values.
struct AuditChanges {
  std::map<StreamKey, EpochChain> epochs;
  AuditKeys keys;
  std::vector<AuditAlarm> alarms;
  std::vector<OperatorAction> actions;
  [[nodiscard]] bool empty() const noexcept {
    return epochs.empty() && keys.empty() && alarms.empty() && actions.empty();
  }
};
void apply(const AuditChanges& changes, AuditState& state);

// A stored block, as far as the watch needs it.
struct KnownBlock {
  model::Hash hash{};
  model::Hash previous{};
};

}  // namespace fluxrig::sink
